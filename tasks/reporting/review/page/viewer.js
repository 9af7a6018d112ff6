/* The slide in OpenSeadragon, with a canvas for the map and an SVG for the outlines on top. */
'use strict';
Review.Viewer = class {
  constructor(element, told) {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.element = element;
    this.told = told;
    this.slide = null;
    this.osd = OpenSeadragon({
      element, drawer: 'canvas', showNavigationControl: false, crossOriginPolicy: false, imageSmoothingEnabled: true,
      maxZoomPixelRatio: 12, visibilityRatio: 0.4, animationTime: still ? 0 : 0.5, immediateRender: true,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true }, gestureSettingsTouch: { clickToZoom: false },
      gestureSettingsPen: { clickToZoom: false },
    });
    this.osd.canvas.setAttribute('role', 'application');
    this.osd.canvas.setAttribute('aria-label', element.dataset.said);
    this.osd.addHandler('canvas-click', event => {
      if (event.quick) this.told.picked(this.rowAt(this.osd.viewport.pointFromPixel(event.position)));
    });
    this.osd.addHandler('canvas-key', event => this.key(event));
    for (const name of ['animation', 'open', 'resize']) this.osd.addHandler(name, () => this.slide && this.told.moved());
  }

  key(event) {
    const key = event.originalEvent.key;
    // The library rotates and mirrors the slide at r and f, which would mislead.
    if (/^[rf]$/i.test(key)) event.preventDefaultAction = true;
    if (key === 'Enter') this.told.picked(this.rowAt(this.osd.viewport.getCenter(true)));
  }

  async open(slide) {
    this.slide = slide;
    await new Promise((resolve, reject) => {
      this.osd.addOnceHandler('open', resolve);
      this.osd.addOnceHandler('open-failed', event => reject(new Error(event.message)));
      this.osd.open({ type: 'image', url: slide.picture.uri, buildPyramid: false });
    });
    this.height = slide.picture.height / slide.picture.width;
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'layer';
    const { across, down } = slide.layers;
    this.osd.addOverlay({ element: this.canvas, location: new OpenSeadragon.Rect(0, 0, across, this.height * down) });
    this.lines = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    this.lines.setAttribute('class', 'lines');
    this.lines.setAttribute('viewBox', `0 0 ${slide.outlines.width} ${slide.outlines.height}`);
    this.lines.setAttribute('preserveAspectRatio', 'none');
    this.groups = {};
    for (const name of ['grid', 'evidence', 'annotation', 'artefact', 'here']) this.lines.append(this.group(name));
    this.osd.addOverlay({ element: this.lines, location: new OpenSeadragon.Rect(0, 0, 1, this.height) });
    // Clicks must reach the slide below both.
    for (const over of [this.canvas, this.lines]) over.parentElement.style.pointerEvents = 'none';
    this.told.moved();
  }

  group(name) {
    const group = document.createElementNS(this.lines.namespaceURI, 'g');
    group.setAttribute('class', name);
    for (const part of name === 'grid' ? ['line'] : ['halo', 'line']) {
      const path = document.createElementNS(this.lines.namespaceURI, 'path');
      path.setAttribute('class', part);
      path.setAttribute('d', name === 'grid' ? this.grid() : Review.outlinePath(this.slide, name));
      group.append(path);
    }
    this.groups[name] = group;
    return group;
  }

  grid() { return this.slide.table.ids.map((_, row) => this.square(row)).join(''); }

  square(row) {
    const { x, y, e } = this.slide.table, [width, height] = this.slide.size;
    const across = this.slide.outlines.width / width, down = this.slide.outlines.height / height;
    return `M${x[row] * across} ${y[row] * down}h${e[row] * across}v${e[row] * down}h${-e[row] * across}Z`;
  }

  show(name, on) { if (this.groups) this.groups[name].style.display = on ? '' : 'none'; }

  /* Show a painted map over the slide; null removes it. */
  lay(painted, opacity, greyed) {
    this.canvas.width = painted ? painted.width : 1;
    this.canvas.height = painted ? painted.height : 1;
    if (painted) this.canvas.getContext('2d').drawImage(painted, 0, 0);
    this.veil(opacity, greyed && painted !== null);
  }

  veil(opacity, greyed) {
    this.canvas.style.opacity = opacity;
    this.element.classList.toggle('greyed', greyed);
  }

  mark(row) {
    const path = row === null ? '' : this.square(row);
    for (const part of this.groups.here.children) part.setAttribute('d', path);
  }

  /* Pan to a tile that is not in view. */
  reveal(row) {
    const { x, y, e } = this.slide.table, width = this.slide.size[0], view = this.osd.viewport;
    const tile = new OpenSeadragon.Rect(x[row] / width, y[row] / width, e[row] / width, e[row] / width);
    const seen = view.getBounds(), centre = tile.getCenter();
    if (!seen.containsPoint(centre)) view.panTo(centre);
  }

  /* Row of the tile at a point of the viewport, the nearest centre first; null where there is none. */
  rowAt(point) {
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

  /* Micrometres per pixel of the screen. */
  umPerPixel() {
    const view = this.osd.viewport, width = this.slide.size[0] * this.slide.um;
    return width / (view.viewportToImageZoom(view.getZoom(true)) * this.slide.picture.width);
  }

  zoom(factor) { this.osd.viewport.zoomBy(factor).applyConstraints(); }
  fit() { this.osd.viewport.goHome(); }
};
