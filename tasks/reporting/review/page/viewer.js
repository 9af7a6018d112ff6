/* One pane: the slide in OpenSeadragon, with one canvas on top for map, outlines, tiles and notes.
   The canvas has the size of the pane, and only what is in view is drawn: a slide of any size costs the same. */
'use strict';
Review.Viewer = class {
  static LINES = { annotation: [['#fff', 4.5, []], ['#000', 2, []]], evidence: [['#fff', 2.4, []], ['#006e51', 1.3, [2, 2]]], artefact: [['#000', 4, []], ['#ffa62b', 2.4, [7, 5]]] };
  /* A screen pixel may show a quarter of a pixel of the data; a slide smaller than the pane, a third of home. */
  static ENLARGED = 4;
  static FROM_HOME = 3;
  static FINE_PX = 40;
  static GRID_PX = 4;

  constructor(element, told) {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.element = element;
    this.told = told;
    this.slide = null;
    this.forget();
    this.shown = {};
    this.osd = OpenSeadragon({
      element, drawer: 'canvas', showNavigationControl: false, crossOriginPolicy: false, imageSmoothingEnabled: true,
      maxZoomPixelRatio: Review.Viewer.ENLARGED, visibilityRatio: 0.4, animationTime: still ? 0 : 0.4, immediateRender: true,
      showNavigator: told.navigator === true, navigatorPosition: 'BOTTOM_RIGHT', navigatorWidth: '132px', navigatorHeight: '104px', navigatorAutoFade: false,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true }, gestureSettingsTouch: { clickToZoom: false },
      gestureSettingsPen: { clickToZoom: false },
    });
    this.osd.canvas.setAttribute('role', 'application');
    this.osd.canvas.setAttribute('aria-label', element.dataset.said);
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'layer';
    this.osd.canvas.append(this.canvas);
    this.osd.addHandler('canvas-click', event => {
      if (event.quick) this.told.picked(this.rowAt(this.osd.viewport.pointFromPixel(event.position)));
    });
    this.osd.addHandler('canvas-key', event => this.key(event));
    for (const name of ['animation', 'animation-finish', 'open', 'resize']) this.osd.addHandler(name, () => this.slide && this.told.moved(this));
    for (const name of ['update-viewport', 'resize']) this.osd.addHandler(name, () => this.draw());
    this.hideNavigator();
  }

  forget() { Object.assign(this, { map: null, opacity: 1, explained: null, hatched: true, here: null, notes: [], fine: null, drawnFine: false, followed: null }); }

  /* It repeats the picture for the mouse: arrow keys move the slide itself. */
  hideNavigator() {
    if (!this.osd.navigator) return;
    const own = this.osd.navigator.element;
    own.setAttribute('aria-hidden', 'true');
    for (const inner of [own, ...own.querySelectorAll('[tabindex]')]) inner.setAttribute('tabindex', '-1');
  }

  key(event) {
    const key = event.originalEvent.key;
    // The library rotates and mirrors the slide at r and f, which would mislead.
    if (/^[rf]$/i.test(key)) event.preventDefaultAction = true;
    if (key === 'Enter') this.told.picked(this.rowAt(this.osd.viewport.getCenter(true)));
    else if (this.told.pressed && this.told.pressed(key)) event.preventDefaultAction = true;
  }

  async open(slide) {
    this.slide = null;
    this.forget();
    await new Promise((resolve, reject) => {
      this.osd.addOnceHandler('open', resolve);
      this.osd.addOnceHandler('open-failed', event => reject(new Error(event.message)));
      this.osd.open({ type: 'image', url: slide.picture.uri, buildPyramid: false });
    });
    const source = Review.deepSource(slide);
    if (source) await new Promise(resolve => this.osd.addTiledImage({ tileSource: source, x: 0, y: 0, width: 1, success: resolve, error: resolve }));
    this.slide = slide;
    this.height = slide.size[1] / slide.size[0];
    this.outlines = {};
    for (const name of Object.keys(Review.Viewer.LINES)) this.outlines[name] = new Path2D(Review.outlinePath(slide, name));
    const view = this.osd.viewport;
    view.maxZoomLevel = undefined;
    view.maxZoomLevel = Math.max(view.getMaxZoom(), view.getHomeZoom() * Review.Viewer.FROM_HOME);
    view.goHome(true);
    this.told.moved(this);
    this.redraw();
  }

  redraw() {
    if (this.due) return;
    this.due = requestAnimationFrame(() => { this.due = 0; this.draw(); });
  }

  /* Left and top of the slide in the pane, and pixels of the pane per level-0 pixel. */
  place() {
    const view = this.osd.viewport, from = view.pixelFromPoint(new OpenSeadragon.Point(0, 0), true);
    const to = view.pixelFromPoint(new OpenSeadragon.Point(1, 0), true);
    return { left: from.x, top: from.y, scale: (to.x - from.x) / this.slide.size[0] };
  }

  draw() {
    const box = this.osd.canvas, dense = window.devicePixelRatio || 1;
    const width = Math.round(box.clientWidth * dense), height = Math.round(box.clientHeight * dense);
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const pen = this.canvas.getContext('2d');
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!this.slide) return;
    const at = this.place(), rows = this.inView(at, box.clientWidth, box.clientHeight);
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    const close = this.extent() * at.scale >= Review.Viewer.FINE_PX;
    // Close by, the smoothed map would run over into tiles that were not explained.
    if (close && this.explained) { pen.save(); this.path(pen, at, rows.filter(row => this.explained[row])); pen.clip(); }
    this.drawMap(pen, at, box.clientWidth, box.clientHeight);
    if (close && this.explained) pen.restore();
    this.drawFine(pen, at, close ? rows : []);
    this.drawHatch(pen, at, rows);
    for (const name of Object.keys(this.outlines)) if (this.shown[name]) this.drawLines(pen, at, name, dense);
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    if (this.shown.grid && this.extent() * at.scale >= Review.Viewer.GRID_PX) this.drawSquares(pen, at, rows, '#333', 0.6);
    for (const note of this.notes) this.drawNote(pen, at, note);
    if (this.here !== null) for (const [colour, wide] of [['#fff', 7], ['#0b57a4', 3.5]]) this.drawSquares(pen, at, [this.here], colour, wide);
  }

  extent() { return this.slide.table.e[0] || 1; }

  inView(at, width, height) {
    const { x, y, e } = this.slide.table, rows = [];
    for (let row = 0; row < x.length; row++) {
      const left = at.left + x[row] * at.scale, top = at.top + y[row] * at.scale, side = e[row] * at.scale;
      if (left < width && top < height && left + side > 0 && top + side > 0) rows.push(row);
    }
    return rows;
  }

  square(row, at) {
    const { x, y, e } = this.slide.table;
    return [at.left + x[row] * at.scale, at.top + y[row] * at.scale, e[row] * at.scale, e[row] * at.scale];
  }

  /* Only the part in view: a map of the whole slide would be drawn at many times its size. */
  drawMap(pen, at, width, height) {
    if (!this.map) return;
    const { across, down } = this.slide.layers, [slideWidth, slideHeight] = this.slide.size;
    const scaleX = slideWidth * at.scale * across / this.map.width, scaleY = slideHeight * at.scale * down / this.map.height;
    const from = [Math.max(0, Math.floor(-at.left / scaleX) - 1), Math.max(0, Math.floor(-at.top / scaleY) - 1)];
    const to = [Math.min(this.map.width, Math.ceil((width - at.left) / scaleX) + 1), Math.min(this.map.height, Math.ceil((height - at.top) / scaleY) + 1)];
    if (to[0] <= from[0] || to[1] <= from[1]) return;
    pen.globalAlpha = this.opacity;
    pen.imageSmoothingEnabled = Review.study.by !== 'slide';
    pen.drawImage(this.map, from[0], from[1], to[0] - from[0], to[1] - from[1],
      at.left + from[0] * scaleX, at.top + from[1] * scaleY, (to[0] - from[0]) * scaleX, (to[1] - from[1]) * scaleY);
    pen.globalAlpha = 1;
  }

  /* Close by, each tile has its own map in full. */
  drawFine(pen, at, rows) {
    const was = this.drawnFine;
    this.drawnFine = false;
    if (this.fine && this.map) {
      pen.imageSmoothingEnabled = false;
      for (const row of rows) {
        const own = this.fine(row, () => this.redraw());
        if (!own) continue;
        const square = this.square(row, at);
        pen.clearRect(...square);
        pen.globalAlpha = this.opacity;
        pen.drawImage(own, ...square);
        pen.globalAlpha = 1;
        this.drawnFine = true;
      }
    }
    if (was !== this.drawnFine) this.told.moved(this);
  }

  drawHatch(pen, at, rows) {
    if (!this.explained || !this.hatched) return;
    this.path(pen, at, rows.filter(row => !this.explained[row] && !this.failed.has(row)));
    pen.fillStyle = pen.createPattern(Review.hatch(this.extent() * at.scale >= Review.Viewer.FINE_PX), 'repeat');
    pen.fill();
  }

  drawLines(pen, at, name, dense) {
    const { outlines, size } = this.slide;
    const across = at.scale * size[0] / outlines.width, down = at.scale * size[1] / outlines.height;
    pen.setTransform(across * dense, 0, 0, down * dense, at.left * dense, at.top * dense);
    pen.lineJoin = 'round';
    for (const [colour, width, dashes] of Review.Viewer.LINES[name]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width / across;
      pen.setLineDash(dashes.map(length => length / across));
      pen.stroke(this.outlines[name]);
    }
    pen.setLineDash([]);
  }

  path(pen, at, rows) {
    pen.beginPath();
    for (const row of rows) pen.rect(...this.square(row, at));
  }

  drawSquares(pen, at, rows, colour, width) {
    this.path(pen, at, rows);
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.stroke();
  }

  drawNote(pen, at, note) {
    const box = [at.left + note.x * at.scale, at.top + note.y * at.scale, note.width * at.scale, note.height * at.scale];
    for (const [colour, wide] of [['#fff', 5], ['#7a1f8a', 2.5]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = wide;
      pen.strokeRect(...box);
    }
    pen.font = 'bold 13px sans-serif';
    pen.lineWidth = 4;
    pen.strokeStyle = '#fff';
    pen.strokeText(note.number, box[0] + 4, box[1] + 15);
    pen.fillStyle = '#7a1f8a';
    pen.fillText(note.number, box[0] + 4, box[1] + 15);
  }

  show(name, on) { this.shown[name] = on; this.redraw(); }

  /* Show a painted map over the slide; null removes it. ``fine`` gives the painted map of a tile, or null. */
  lay(painted, opacity, greyed, fine = null) {
    this.map = painted;
    this.fine = painted ? fine : null;
    this.veil(opacity, greyed && painted !== null);
  }

  veil(opacity, greyed) {
    this.opacity = opacity;
    this.element.classList.toggle('greyed', greyed);
    this.redraw();
  }

  /* Which tiles the map has: one number per tile, 0 where a tile was not explained; null where no map is shown. */
  mask(explained, hatched) {
    Object.assign(this, { explained, hatched, failed: new Set(this.slide.table.failed) });
    this.redraw();
  }

  mark(row) { this.here = row; this.redraw(); }
  pin(notes) { this.notes = notes; this.redraw(); }

  /* Pan to a tile that is not in view. */
  reveal(row) {
    const { x, y, e } = this.slide.table, width = this.slide.size[0], view = this.osd.viewport;
    const tile = new OpenSeadragon.Rect(x[row] / width, y[row] / width, e[row] / width, e[row] / width);
    const seen = view.getBounds(), centre = tile.getCenter();
    if (!seen.containsPoint(centre)) view.panTo(centre);
  }

  /* What is in view, in level-0 pixels and inside the slide. */
  seen() {
    const view = this.osd.viewport.getBounds(true), [width, height] = this.slide.size;
    const left = Math.max(0, view.x * width), top = Math.max(0, view.y * width);
    const right = Math.min(width, (view.x + view.width) * width), bottom = Math.min(height, (view.y + view.height) * width);
    return { x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
  }

  goTo(box) {
    const width = this.slide.size[0];
    this.osd.viewport.fitBounds(new OpenSeadragon.Rect(box.x / width, box.y / width, box.width / width, box.height / width)).applyConstraints();
  }

  /* Row of the tile at a point of the viewport, the nearest centre first; null where there is none. */
  rowAt(point) {
    if (!this.slide) return null;
    const { x, y, e } = this.slide.table, width = this.slide.size[0];
    const left = point.x * width, top = point.y * width;
    let found = null, least = Infinity;
    for (let row = 0; row < x.length; row++) {
      const across = left - x[row], down = top - y[row];
      if (across < 0 || down < 0 || across >= e[row] || down >= e[row]) continue;
      const far = Math.hypot(across - e[row] / 2, down - e[row] / 2);
      if (far < least) { found = row; least = far; }
    }
    return found;
  }

  /* Micrometres per pixel of the screen, and of the finest data that can be shown. */
  umPerPixel() { return this.slide.um / this.place().scale; }
  finest() { return this.slide.deep ? this.slide.deep.um : this.slide.size[0] * this.slide.um / this.slide.picture.width; }

  zoom(factor) { this.osd.viewport.zoomBy(factor).applyConstraints(); }
  fit() { this.osd.viewport.goHome(); }

  /* Show what another pane shows, at once. */
  follow(other) {
    if (!this.slide || !other.slide || other.follows()) return;
    const view = this.osd.viewport, theirs = other.osd.viewport;
    view.zoomTo(theirs.getZoom(true), null, true);
    view.panTo(theirs.getCenter(true), true);
    this.followed = view.getBounds(true);
  }

  /* Whether what it shows is what it was told to show: only a pane that was moved by a person leads. */
  follows() {
    const own = this.osd.viewport.getBounds(true), told = this.followed;
    return Boolean(told) && Math.abs(own.x - told.x) + Math.abs(own.y - told.y) + Math.abs(own.width - told.width) < told.width * 1e-6;
  }
};
