/* Notes of a reader on a slide: kept by the server of this page, or else in this browser; exported for QuPath. */
'use strict';
Review.Notes = class {
  constructor(parts, told) {
    Object.assign(this, { parts, told, slide: null, notes: [] });
    parts.add.addEventListener('click', () => this.add());
    parts.text.addEventListener('keydown', event => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.add(); });
    parts.save.addEventListener('click', () => this.download());
  }

  get key() { return `veritile notes ${Review.study.study} ${this.slide.id}`; }

  async open(slide) {
    this.slide = slide;
    const found = await this.read();
    if (slide !== this.slide) return;
    this.notes = found;
    this.show('');
  }

  async read() {
    if (Review.study.served) {
      const answer = await fetch(`${Review.study.served.notes}/${this.slide.number}`);
      return answer.ok ? (await answer.json()).notes : [];
    }
    try {
      return JSON.parse(localStorage.getItem(this.key) || '[]');
    } catch (error) {
      if (!(error instanceof DOMException || error instanceof SyntaxError)) throw error;
      return [];
    }
  }

  /* Returns where the notes are kept, in words. */
  async write() {
    if (Review.study.served) {
      const body = JSON.stringify({ notes: this.notes });
      const answer = await fetch(`${Review.study.served.notes}/${this.slide.number}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
      return answer.ok ? 'Kept in the home folder of the study.' : `Not kept: ${await answer.text()}`;
    }
    try {
      localStorage.setItem(this.key, JSON.stringify(this.notes));
      return 'Kept in this browser. Save a file to hand it on.';
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return 'This frame may not keep notes: save them as a file before you leave.';
    }
  }

  async add() {
    const text = this.parts.text.value.trim();
    if (!this.slide || !text) { this.show(text ? '' : 'Write the note first.'); this.parts.text.focus(); return; }
    const { box, tile } = this.told.place();
    const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(value => Math.round(value * 10) / 10);
    this.notes.push({ id: uniqueId(), text, x, y, width, height, tile, map: this.told.map(), time: new Date().toISOString() });
    this.parts.text.value = '';
    this.show(await this.write());
  }

  async remove(id) {
    this.notes = this.notes.filter(note => note.id !== id);
    this.show(await this.write());
    this.parts.text.focus();
  }

  show(said) {
    const { element } = Review;
    this.parts.said.textContent = said;
    this.parts.save.disabled = !this.notes.length;
    this.parts.list.replaceChildren(...this.notes.map((note, place) => {
      const item = element('li'), go = element('button', `${place + 1}. ${note.text}`, { type: 'button', class: 'go' });
      go.addEventListener('click', () => this.told.go(note));
      const gone = element('button', '×', { type: 'button', 'aria-label': `Delete note ${place + 1}` });
      gone.addEventListener('click', () => this.remove(note.id));
      item.append(go, gone);
      return item;
    }));
    this.told.changed(this.notes.map((note, place) => ({ ...note, number: String(place + 1) })));
  }

  /* GeoJSON as QuPath reads it: pixels of the finest level, counted from the corner of the scanned area. */
  collection() {
    const [left, top] = this.slide.origin;
    return {
      type: 'FeatureCollection',
      features: this.notes.map(note => {
        const x = note.x - left, y = note.y - top, right = x + note.width, bottom = y + note.height;
        return {
          type: 'Feature', id: note.id,
          geometry: { type: 'Polygon', coordinates: [[[x, y], [right, y], [right, bottom], [x, bottom], [x, y]]] },
          properties: {
            objectType: 'annotation', name: note.text, classification: { name: 'Note', color: [122, 31, 138] },
            metadata: { study: Review.study.study, map: note.map, tile: note.tile || '', time: note.time },
          },
        };
      }),
    };
  }

  download() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(this.collection(), null, 1)], { type: 'application/geo+json' }));
    link.download = `${this.slide.id.replace(/[^\w.-]+/g, '_')}_notes.geojson`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
};

/* QuPath takes UUIDs. crypto.randomUUID is missing in some frames. */
function uniqueId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 15 | 64;
  bytes[8] = bytes[8] & 63 | 128;
  const hex = [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
