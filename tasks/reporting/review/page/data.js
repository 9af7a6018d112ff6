/* Reads the data of the page: packed arrays, tiles, scores. */
'use strict';
window.Review = (() => {
  const study = JSON.parse(document.getElementById('study').textContent);
  const opened = new Map();

  function bytesOf(text) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return bytes;
  }

  /* The first byte is 1 where the rest are differences to the byte before. */
  async function unpacked(text) {
    const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream('deflate'));
    const data = new Uint8Array(await new Response(stream).arrayBuffer());
    const codes = data.subarray(1);
    if (data[0] === 1) for (let i = 1; i < codes.length; i++) codes[i] = (codes[i] + codes[i - 1]) & 255;
    return codes;
  }

  async function unpackedWords(text) {
    const codes = await unpacked(text), count = codes.length / 2, words = new Uint16Array(count);
    for (let i = 0; i < count; i++) words[i] = codes[i] * 256 + codes[count + i];
    return words;
  }

  function ranged(codes, low, high, levels) {
    return Float64Array.from(codes, code => code ? low + (code - 1) / (levels - 1) * (high - low) : NaN);
  }

  const tables = {};
  for (const [kind, text] of Object.entries(study.colours)) tables[kind] = bytesOf(text);

  /* One slide, read when it is first shown. Two are cached. */
  function slide(number) {
    if (!opened.has(number)) {
      opened.set(number, prepared(number));
      if (opened.size > 2) opened.delete(opened.keys().next().value);
    }
    return opened.get(number);
  }

  async function prepared(number) {
    const own = JSON.parse(await textOf(number));
    own.id = study.slides[number];
    own.number = number;
    own.table = JSON.parse(new TextDecoder().decode(await unpacked(own.tiles)));
    own.probability = {};
    for (const [model, text] of Object.entries(own.probabilities)) {
      own.probability[model] = ranged(await unpackedWords(text), 0, 1, 65535);
    }
    own.image = await picture(own.picture.uri);
    own.byTile = new Map(own.scores.of.map(entry => [entry.slice(0, 3).join(), entry]));
    own.detailed = new Map(own.details.tiles.map(entry => [entry[0], entry]));
    own.why = new Map(own.missing.map(([model, explainer, why]) => [`${model},${explainer}`, why]));
    own.kept = new Map();
    own.fine = new Map();
    own.fetched = new Map();
    return own;
  }

  /* A slide is part of this file, or the server of this page has it. */
  async function textOf(number) {
    const part = document.getElementById(`slide-${number}`);
    if (part) return part.textContent;
    const answer = await fetch(`${study.served.slides}/${number}.json`);
    if (!answer.ok) throw new Error(`${study.slides[number]} could not be read: ${await answer.text()}`);
    return answer.text();
  }

  function picture(uri) {
    return new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = () => reject(new Error('a picture of this page could not be read'));
      image.src = uri;
    });
  }

  async function once(slide, key, make) {
    if (!slide.kept.has(key)) slide.kept.set(key, make());
    return slide.kept.get(key);
  }

  /* Codes of a slide's map; null where there is none. Explainer -1 stands for the probability. */
  function layer(slide, model, explainer) {
    const { maps, probability, blobs } = slide.layers;
    const number = explainer < 0 ? probability[model] : maps[model][explainer];
    return number < 0 ? Promise.resolve(null) : once(slide, `layer ${number}`, () => unpacked(blobs[number]));
  }

  /* One number per tile: 1 where this map has it. Null where there is no map at all. */
  function mapped(slide, model, explainer) {
    const number = slide.mapped.of[model][explainer];
    return number < 0 ? Promise.resolve(null) : once(slide, `mapped ${number}`, () => unpacked(slide.mapped.blobs[number]));
  }

  /* Why a tile has no map of a model and explainer; empty where it has one. */
  async function whyNoMap(slide, row, model, explainer) {
    const there = await mapped(slide, model, explainer);
    if (!there) return slide.why.get(`${model},${explainer}`) || 'there is no map of this slide';
    if (there[row]) return '';
    if (slide.table.failed.includes(row)) return 'the tile could not be read';
    return study.by === 'slide' ? 'the model was not asked about this tile' : 'not explained: only a sample of the tiles was';
  }

  /* Scores of all tiles of one map, NaN for tiles without one; null where no tile has one. */
  function tileScores(slide, model, explainer, score) {
    const entry = slide.byTile.get([model, explainer, score].join());
    if (!entry) return Promise.resolve(null);
    return once(slide, `score ${model} ${explainer} ${score}`, async () => {
      const codes = await (slide.scores.levels > 255 ? unpackedWords : unpacked)(entry[5]);
      return ranged(codes, entry[3], entry[4], slide.scores.levels);
    });
  }

  /* A tile stored in detail: its picture and codes [side * side] by "model,explainer"; else null. */
  function detail(slide, row) {
    const entry = slide.detailed.get(row);
    if (!entry) return study.served ? fetchedDetail(slide, row) : Promise.resolve(null);
    return once(slide, `detail ${row}`, () => readDetail(slide.details, entry[1], entry[2]));
  }

  /* Of those that are fetched a few are kept: the page must not grow with every tile that is looked at. */
  function fetchedDetail(slide, row) {
    const { fetched } = slide;
    if (!fetched.has(row)) {
      fetched.set(row, askDetail(slide, row));
      if (fetched.size > 24) fetched.delete(fetched.keys().next().value);
    }
    return fetched.get(row);
  }

  async function askDetail(slide, row) {
    const answer = await fetch(`${study.served.details}/${slide.number}/${row}`);
    if (!answer.ok) return null;
    const found = await answer.json();
    return readDetail(found, found.picture, found.codes);
  }

  async function readDetail({ side, pairs }, uri, text) {
    const [image, codes] = await Promise.all([picture(uri), unpacked(text)]), maps = new Map();
    pairs.forEach((pair, i) => maps.set(pair.join(), codes.subarray(i * side * side, (i + 1) * side * side)));
    return { image, maps, side };
  }

  /* A canvas of width x height pixels coloured by codes. The gain stretches attributions about zero. */
  function painted(codes, width, height, kind, gain) {
    const canvas = document.createElement('canvas');
    canvas.width = width; canvas.height = height;
    const pen = canvas.getContext('2d'), data = pen.createImageData(width, height), table = tables[kind];
    const stretched = Uint8Array.from({ length: 256 }, (_, code) => {
      if (!code || kind === 'probability') return code;
      return Math.max(1, Math.min(255, Math.round(128 + (code - 128) * gain)));
    });
    for (let i = 0; i < codes.length; i++) {
      const at = stretched[codes[i]] * 4;
      for (let k = 0; k < 4; k++) data.data[i * 4 + k] = table[at + k];
    }
    pen.putImageData(data, 0, 0);
    return canvas;
  }

  /* The outlines of a mask as an SVG path, in pixels of the thumbnail. */
  function outlinePath(slide, name) {
    return (slide.outlines[name] || []).map(line => {
      const points = [];
      for (let i = 0; i < line.length; i += 2) points.push(`${line[i] / 10} ${line[i + 1] / 10}`);
      return `M${points.join('L')}Z`;
    }).join('');
  }

  /* Which colours a map has. What they mean is another matter: see ``kind`` of the explainer. */
  const signOf = explainer => study.explainers[explainer].signed ? 'signed' : 'magnitude';

  /* What covers a tile that was not explained. */
  const hatches = new Map();
  function hatch(wide = false) {
    if (hatches.has(wide)) return hatches.get(wide);
    const lines = document.createElement('canvas'), side = wide ? 22 : 8, pen = lines.getContext('2d');
    lines.width = lines.height = side;
    for (const [colour, width] of [['rgba(255,255,255,0.9)', 2.6], ['rgba(40,48,56,0.85)', 1]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      for (const shift of [-side, 0, side]) { pen.moveTo(shift - 1, side + 1); pen.lineTo(shift + side + 1, -1); }
      pen.stroke();
    }
    hatches.set(wide, lines);
    return lines;
  }

  return { study, slide, layer, mapped, whyNoMap, tileScores, detail, painted, unpacked, signOf, hatch, outlinePath };
})();
