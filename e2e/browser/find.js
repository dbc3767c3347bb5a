// What every look into a page needs: find(selector), see(element) and why-not.
// A selector is CSS, or "text=…": the thing to press that carries these words.
(() => {
  const seen = el => {
    const r = el.getBoundingClientRect();
    return r.width > 0 && r.height > 0 && el.checkVisibility({ visibilityProperty: true }); // what a closed <details> holds is not
  };
  const words = el => (el.innerText || el.value || el.getAttribute('aria-label') || '').replace(/\s+/g, ' ').trim();
  const find = selector => {
    if (!selector.startsWith('text=')) {
      const all = [...document.querySelectorAll(selector)];
      return all.find(seen) || all[0] || null;
    }
    const want = selector.slice(5);
    const all = [...document.querySelectorAll('a, button, summary, label, option, input[type=submit], input[type=button], [role=button], [role=tab], [role=link]')]
      .filter(el => seen(el) && words(el).includes(want));
    return all.find(el => words(el) === want) || all[0] || null;
  };
  const name = el => !el ? 'nothing' : el.tagName.toLowerCase() + (el.id ? '#' + el.id : '') + [...el.classList].map(c => '.' + c).join('') +
    (words(el) ? ' "' + words(el).slice(0, 40) + '"' : el.href ? ' to ' + el.href.slice(0, 60) : '');

  // point is where to press the element, or why it cannot be pressed.
  const point = selector => {
    const el = find(selector);
    if (!el) return { why: 'is not there' };
    // A box drawn by its label is pressed there.
    const target = (el.type === 'checkbox' || el.type === 'radio') && el.labels && el.labels.length && !seen(el) ? el.labels[0] : el;
    if (!seen(target)) return { why: 'is not visible' };
    if (el.matches(':disabled') || el.getAttribute('aria-disabled') === 'true') return { why: 'is disabled' };
    target.scrollIntoView({ block: 'center', inline: 'nearest', behavior: 'instant' });
    // A link that wraps is two boxes with nothing in between.
    const r = target.getClientRects()[0];
    const x = r.x + r.width / 2, y = r.y + r.height / 2;
    const top = document.elementFromPoint(x, y);
    const label = top && top.closest('label');
    if (!top || !(target.contains(top) || (label && label.control === el))) return { why: 'is covered by ' + name(top) };
    return { x, y };
  };

  // offset is where a frame's content begins in the viewport of the page that holds it.
  const offset = selector => {
    const el = find(selector);
    if (!el) return { why: 'is not there' };
    el.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
    const r = el.getBoundingClientRect(), s = getComputedStyle(el);
    return { x: r.x + el.clientLeft + parseFloat(s.paddingLeft), y: r.y + el.clientTop + parseFloat(s.paddingTop) };
  };

  // wide lists what sticks out of the page to the right.
  const wide = () => {
    const room = document.documentElement.clientWidth;
    if (document.scrollingElement.scrollWidth <= room) return [];
    const out = [...document.body.querySelectorAll('*')].filter(el => seen(el) && el.getBoundingClientRect().right > room + 0.5);
    return ['the page is ' + document.scrollingElement.scrollWidth + ' px wide in ' + room, ...out.slice(0, 5).map(name)];
  };

  // small lists what a thumb has to press but cannot hit. A link in a line of text is exempt, as in WCAG 2.5.8.
  const small = least => {
    const labelled = el => el.labels && [...el.labels].some(seen);
    // What is there for screen readers alone is clipped away or off the page.
    const unseen = el => {
      const r = el.getBoundingClientRect(), s = getComputedStyle(el);
      return r.width <= 1 || r.height <= 1 || r.right <= 0 || r.bottom + scrollY <= 0 || s.opacity === '0' ||
        s.clipPath.startsWith('inset(') || (s.clip !== 'auto' && s.position === 'absolute');
    };
    const inText = el => getComputedStyle(el).display === 'inline' &&
      [...el.parentElement.childNodes].some(n => n.nodeType === 3 && n.textContent.trim() !== '');
    const box = el => {
      let { left, top, right, bottom } = el.getBoundingClientRect();
      for (const l of el.labels || []) {
        if (!seen(l)) continue;
        const r = l.getBoundingClientRect();
        left = Math.min(left, r.left); top = Math.min(top, r.top); right = Math.max(right, r.right); bottom = Math.max(bottom, r.bottom);
      }
      return { w: right - left, h: bottom - top };
    };
    // The area that reacts may be larger than the box: a link stretched over its row by ::after.
    const reach = (el, dx, dy) => {
      const r = el.getBoundingClientRect();
      const x = r.left + r.width / 2, y = r.top + r.height / 2;
      const hit = n => { const t = document.elementFromPoint(x + dx * n, y + dy * n); return t && (el.contains(t) || t === el); };
      let n = 0;
      while (n <= least && hit(n)) n++;
      return n;
    };
    const out = [];
    for (const el of document.querySelectorAll('a[href], button, input, select, textarea, summary, [role=button], [role=tab], [role=switch]')) {
      if (el.type === 'hidden' || el.matches(':disabled') || (!labelled(el) && (!seen(el) || unseen(el))) || inText(el)) continue;
      let { w, h } = box(el);
      if (w < least || h < least) {
        el.scrollIntoView({ block: 'center', behavior: 'instant' });
        w = Math.max(w, reach(el, -1, 0) + reach(el, 1, 0) - 1);
        h = Math.max(h, reach(el, 0, -1) + reach(el, 0, 1) - 1);
      }
      // Half a pixel is the layout's rounding.
      if (w < least - 0.5 || h < least - 0.5) out.push(name(el) + ' is ' + Math.round(w) + ' × ' + Math.round(h) + ' px');
    }
    return out;
  };

  return { seen, words, find, name, point, offset, wide, small };
})()
