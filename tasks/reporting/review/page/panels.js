/* Scores next to the map: values with intervals, the strongest control, the whole study. */
'use strict';
Object.assign(Review, (() => {
  const { study } = Review;
  const ARROWS = { higher: '↑', lower: '↓', none: '' };
  const SVG = 'http://www.w3.org/2000/svg';

  function said(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return '–';
    const size = Math.abs(value);
    const text = size === 0 || (size >= 0.001 && size < 1000) ? value.toFixed(3) : value.toExponential(1);
    return text.replace('-', '−');
  }

  function bounded(value, low, high) {
    return low === null || low === undefined ? said(value) : `${said(value)} [${said(low)}, ${said(high)}]`;
  }

  /* An element with text, never markup. */
  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  /* An id that may break after each underscore. */
  function broken(tag, id, attributes) {
    const made = element(tag, '', attributes);
    id.split(/(?<=_)/).forEach((part, i) => made.append(...(i ? [document.createElement('wbr')] : []), part));
    return made;
  }

  function drawn(tag, attributes) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  /* The rival that this explainer is least ahead of: its number, its record and the paired difference, or null. */
  function strongestControl(slide, state, score) {
    const against = slide.records.against[state.model][state.explainer][score];
    if (!against) return null;
    const [number, difference, low, high, lead] = against;
    return { number, record: slide.records.of[state.model][number][score], difference: [difference, low, high], lead };
  }

  function ofStudy(model, explainer, score) {
    const { arm } = study.models[model], { metric, name } = study.scores[score];
    return (study.compared[arm] || {})[`${study.explainers[explainer].id}/${metric}.${name}`] || null;
  }

  /* Minimum and maximum of one score over all maps of the slide, so that they share one axis. */
  function span(slide, score, extra) {
    const known = [...extra];
    for (const model of slide.records.of) for (const records of model) {
      if (records[score]) known.push(...records[score].slice(0, 3), records[score][5]);
    }
    const figures = known.filter(figure => typeof figure === 'number');
    const low = Math.min(...figures), high = Math.max(...figures), edge = (high - low || 1) * 0.05;
    return [low - edge, high + edge];
  }

  function strip(slide, score, record, control, whole) {
    const width = 320, [low, high] = span(slide, score, whole ? [whole.value, whole.low, whole.high] : []);
    const at = value => 6 + (value - low) / (high - low) * (width - 12);
    const svg = drawn('svg', { viewBox: `0 0 ${width} 22`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    svg.append(drawn('line', { x1: 0, x2: width, y1: 11, y2: 11, class: 'axis' }));
    if (record[5] !== null) {
      svg.append(drawn('line', { x1: at(record[5]), x2: at(record[5]), y1: 1, y2: 21, class: 'chance' }));
    }
    if (whole && whole.low !== null) {
      svg.append(drawn('line', { x1: at(whole.low), x2: at(whole.high), y1: 18, y2: 18, class: 'of-study' }));
    }
    if (whole && whole.value !== null) svg.append(mark('study', at(whole.value), 18));
    if (control) svg.append(mark('control', at(control.record[0]), 11));
    if (record[1] !== null) {
      svg.append(drawn('line', { x1: at(record[1]), x2: at(record[2]), y1: 8, y2: 8, class: 'of-map' }));
    }
    svg.append(mark('map', at(record[0]), 8));
    return svg;
  }

  function mark(what, x, y) {
    if (what === 'map') return drawn('circle', { cx: x, cy: y, r: 4.5, class: 'dot-map' });
    if (what === 'control') return drawn('path', { d: `M${x} ${y - 5}l5 5l-5 5l-5 -5Z`, class: 'dot-control' });
    return drawn('path', { d: `M${x - 4} ${y + 3}h8l-4 -7Z`, class: 'dot-study' });
  }

  function showKey(panel) {
    panel.replaceChildren();
    for (const [what, words] of [['map', 'this map, its interval; '], ['control', 'strongest control; '], ['study', 'whole study; ']]) {
      const svg = drawn('svg', { viewBox: '0 0 14 12', 'aria-hidden': 'true' });
      svg.append(mark(what, 7, what === 'study' ? 7 : 6));
      panel.append(svg, ` ${words}`);
    }
    panel.append('dashed: chance. All maps of this slide share one axis. ↑ higher, ↓ lower is more faithful. A score is no evidence unless the paired difference to every control is ahead.');
    if (study.scores.some(score => score.rivals === 'blind')) {
      panel.append(' Where a score tests whether a map depends on the network, only controls that see no network count.');
    }
  }

  function whyNoScore(model, explainer, metric) {
    const found = study.missing.find(entry => entry[0] === model && entry[1] === explainer && entry[2] === metric);
    return found ? found[3] : 'no unit of this slide could be scored';
  }

  const plural = (count, unit) => `${count} ${unit}${count === 1 ? '' : 's'}`;

  function scoreBlock(slide, state, score, picked) {
    const { metric, name, direction, unit, ranks } = study.scores[score];
    const record = slide.records.of[state.model][state.explainer][score];
    const block = element('label', '', { class: 'score', 'data-score': `${metric}.${name}` });
    const line = element('span', '', { class: 'line' });
    if (ranks) {
      const radio = element('input', '', { type: 'radio', name: 'score', value: score });
      radio.checked = score === state.score;
      radio.addEventListener('change', () => picked(score));
      line.append(radio);
    }
    line.append(broken('span', `${Review.scoreName({ metric, name })} ${ARROWS[direction]}`, { class: 'name', title: study.scores[score].meaning || '' }));
    block.append(line);
    if (!record) {
      block.append(element('span', `not available: ${whyNoScore(state.model, state.explainer, metric)}`, { class: 'flag' }));
      return block;
    }
    line.append(element('span', bounded(...record), { class: 'value' }));
    const control = strongestControl(slide, state, score);
    const whole = ofStudy(state.model, state.explainer, score);
    block.append(strip(slide, score, record, control, whole));
    const beside = [`${plural(record[3], unit)}${record[1] === null ? ', no interval' : ''}`];
    if (whole) beside.push(`study ${bounded(whole.value, whole.low, whole.high)}`);
    block.append(element('span', beside.join(' · '), { class: 'beside' }));
    if (control) {
      const words = `control ${study.explainers[control.number].id} ${said(control.record[0])}: ${control.lead}, difference ${bounded(...control.difference)}`;
      block.append(element('span', words, { class: control.lead === 'ahead' ? 'beside' : 'flag' }));
    }
    return block;
  }

  /* With many scores, only the first score of each metric that has a direction is open. The others are folded. */
  const MANY = 12, opened = new Set();
  function folded(blocks, state) {
    const metrics = new Map();
    study.scores.forEach((score, number) => score.of_map || metrics.set(score.metric, [...(metrics.get(score.metric) || []), number]));
    return [...metrics].flatMap(([metric, numbers]) => {
      const first = numbers.find(number => study.scores[number].direction !== 'none') ?? numbers[0];
      const rest = numbers.filter(number => number !== first);
      if (!rest.length) return [blocks[first]];
      const more = element('details', '', { class: 'more', 'data-metric': metric });
      more.open = opened.has(metric) || rest.includes(state.score);
      more.addEventListener('toggle', () => opened[more.open ? 'add' : 'delete'](metric));
      more.append(broken('summary', `${rest.length} more of ${metric}`), ...rest.map(number => blocks[number]));
      return [blocks[first], more];
    });
  }

  function showScores(panel, slide, state, picked) {
    const blocks = study.scores.map((score, number) => score.of_map ? null : scoreBlock(slide, state, number, picked)).filter(block => block);
    panel.replaceChildren(...(blocks.length > MANY ? folded(blocks, state) : blocks));
    if (!blocks.length) panel.append(element('p', 'No faithfulness score was measured in this study.', { class: 'soft' }));
  }

  /* What the selected score means and what its intervals are based on. */
  function scoreWords(slide, state) {
    if (state.score === null) return '';
    const score = study.scores[state.score];
    if (score.of_map) return '';
    const record = slide.records.of[state.model][state.explainer][state.score];
    const whole = ofStudy(state.model, state.explainer, state.score);
    const words = [`${Review.scoreName(score)}: ${score.meaning || 'no description'}.`];
    if (record) words.push(`This map: ${record[1] === null ? '' : `${study.level * 100} % interval `}${slide.records.notes[record[4]]}.`);
    if (whole) words.push(`Whole study (${plural(whole.seeds, 'seed')}): ${whole.note}.${whole.flag ? ` Note: ${whole.flag}.` : ''}`);
    return words.join(' ');
  }

  return { said, bounded, element, broken, showKey, showScores, scoreWords };
})());
