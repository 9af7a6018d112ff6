/* Where finer pixels come from than those of the embedded picture: a server on this machine, or this file. */
'use strict';
Object.assign(Review, (() => {
  const { study } = Review;

  /* The tiles of a slide for OpenSeadragon; null where there is nothing finer than the picture. */
  function deepSource(slide) {
    const deep = slide.deep;
    if (!deep) return null;
    const name = (level, x, y) => `${level}/${x}_${y}`;
    return new OpenSeadragon.TileSource({
      width: deep.width, height: deep.height, tileSize: deep.tile, tileOverlap: 0,
      minLevel: deep.first, maxLevel: deep.last,
      getTileUrl: (level, x, y) => deep.tiles ? deep.tiles[name(level, x, y)] : `${study.served.tiles}/${slide.number}/${name(level, x, y)}.jpg`,
      tileExists: (level, x, y) => level >= deep.first && level <= deep.last && (!deep.tiles || name(level, x, y) in deep.tiles),
    });
  }

  /* The map of one tile in full, painted; null where there is none or none yet, and then ``ready`` is called. */
  function fineMap(slide, row, pair, gain, ready) {
    const key = [...pair, row].join(), kept = slide.fine;
    if (!kept.has(key)) {
      kept.set(key, null);
      if (kept.size > 1500) kept.delete(kept.keys().next().value);
      load(slide, row, pair, found => { if (kept.has(key)) kept.set(key, found); ready(); });
    }
    const found = kept.get(key);
    if (!found) return null;
    if (found.gain !== gain) Object.assign(found, { gain, painted: Review.painted(found.codes, found.side, found.side, Review.signOf(pair[1]), gain) });
    return found.painted;
  }

  async function load(slide, row, pair, told) {
    const detail = slide.detailed.has(row) ? await Review.detail(slide, row) : null, own = detail && detail.maps.get(pair.join());
    if (own) told({ codes: own, side: detail.side, gain: null });
    else if (study.served) queue(slide, row, pair, told);
  }

  /* Tiles that are asked for within a moment are fetched together. */
  const waiting = new Map(), TOGETHER = 200;
  function queue(slide, row, pair, told) {
    const key = [slide.number, ...pair].join();
    if (!waiting.has(key)) {
      waiting.set(key, new Map());
      setTimeout(() => {
        const asked = waiting.get(key);
        waiting.delete(key);
        const rows = [...asked.keys()];
        for (let start = 0; start < rows.length; start += TOGETHER) fetchMaps(slide, pair, asked, rows.slice(start, start + TOGETHER));
      }, 30);
    }
    waiting.get(key).set(row, told);
  }

  async function fetchMaps(slide, pair, asked, rows) {
    const answer = await fetch(`${study.served.maps}/${slide.number}/${pair.join('/')}?rows=${rows.join()}`);
    if (!answer.ok) return;
    const { side, maps } = await answer.json();
    for (const [row, text] of Object.entries(maps)) asked.get(Number(row))({ codes: await Review.unpacked(text), side, gain: null });
  }

  return { deepSource, fineMap };
})());
