/* What the page says of colours. A contribution, a sensitivity and a control mean different things by the same red. */
'use strict';
Object.assign(Review, (() => {
  const { study } = Review;

  const KINDS = {
    contribution: 'contribution: what a place adds to the score of the class',
    sensitivity: 'sensitivity: how much the score moves when a place changes',
    control: 'control: a map to beat, no explanation',
  };

  /* What the colours of an explainer say, and what they do not. */
  function colourWords({ kind, signed, free }) {
    if (kind === 'control') return 'A control: a map to beat. Its colours say nothing about the class.';
    if (free) return 'One value for all classes: strong colours speak neither for the class nor against it.';
    if (kind === 'sensitivity') {
      return signed
        ? 'A sensitivity: strong colours, red or blue, are where a small change moves the score of the class. Red and blue are the direction of that move. They are not evidence for or against the class.'
        : 'A sensitivity: strong colours are where a small change moves the score of the class. They speak neither for the class nor against it.';
    }
    return signed
      ? 'A contribution: red speaks for the class, blue against it.'
      : 'A contribution: strong colours add much to the score of the class. Whether for it or against it is not shown.';
  }

  function legendWords(explainer, model, gain) {
    const { id, kind, limit, tile_limit, alone, free } = study.explainers[explainer], signed = study.explainers[explainer].signed;
    const title = kind === 'control' ? `${id}: a control` : free ? `${id}: one value for all classes` : `${id}: attribution to ${study.target} (its logit minus the mean of the others)`;
    const drawn = study.by === 'slide' ? 'The square of a tile has its value, and squares that overlap their mean.'
      : `Smoothed by ${study.smoothing} µm. Close by, tiles show their own maps, not smoothed, and the scale ends at ${Review.said(tile_limit / gain)}.`;
    return [
      [`${title}, in raw units.`, colourWords(study.explainers[explainer])],
      [`${signed ? 'The scale is centred at zero. ' : ''}All slides and models share one scale. It ends at the median over models of the ${study.percentile}th percentile of |value|${gain > 1 ? `, divided by the contrast ${gain}` : ''}. Larger values are clipped. For this model alone, the scale would end at ${Review.said(alone[model])}. ${drawn} Faint colours are near zero.`],
    ];
  }

  const probabilityWords = () => [
    [`Predicted probability of ${study.target}: softmax of the logits, not rescaled.`],
    ['Overlapping tiles are averaged. Areas without colour have no predicted tile.'],
  ];

  /* How many tiles of the map were explained, in words. */
  function explainedWords(there, table) {
    const all = table.ids.length - table.failed.length;
    if (!there) return 'no map of this slide';
    const count = there.reduce((sum, one) => sum + one, 0);
    return `${count} of ${all}${count < all ? (study.by === 'slide' ? '' : ', sampled by the hash of their names') : ''}`;
  }

  /* Micrometres per pixel of the screen, and the objective that shows about as much. */
  function scaleWords(um, finest) {
    const power = 10 / um, enlarged = finest / um, own = `${um.toPrecision(3)} µm per pixel`;
    if (enlarged > 1.02) return `${own}: enlarged ${enlarged.toPrecision(2)} times, the data end at ${finest.toPrecision(3)}`;
    return `about ${power >= 10 ? Math.round(power) : Number(power.toPrecision(1))}×, ${own}`;
  }

  /* A metric and a score of one name are said once. */
  const scoreName = ({ metric, name }) => metric === name ? metric : `${metric} ${name}`;

  const WORDS = [
    ['Slide, tile', 'a scanned glass, and one of the squares that the network sees'],
    ['Explainer', 'a method that says which places of a tile the score of a class rests on'],
    ['Attribution', 'the number that an explainer gives a place'],
    ['Contribution', 'what a place adds to the score of the class: it has a side, for or against'],
    ['Sensitivity', 'how much the score moves when a place changes: it has no side'],
    ['Control', 'a map made without the explanation, such as noise; an explainer that does not beat it says nothing'],
    ['Faithful', 'a map is faithful if removing what it marks changes the score of the network as it says'],
    ['MoRF, LeRF', 'removing the most relevant places first, or the least relevant first'],
    ['Arm, seed', 'a way of training, and one repeat of it with other random numbers'],
    ['Evidence', 'where the right answer is known to lie'],
    ['Artefact', 'pen, folds and the like, on which no answer should rest'],
    ['Hatched', 'tiles that were not explained: nothing is known of them'],
  ];

  return { WORDS, KINDS, colourWords, legendWords, probabilityWords, explainedWords, scaleWords, scoreName };
})());
