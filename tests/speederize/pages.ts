/** Pages as shops, papers and manuals have them, made from a number: the same number, the same page. */

/** A small generator of numbers, mulberry32. */
function generator(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const WORDS =
  ("made by hand for a long life in the garden of an old house near water light wood wool and iron from small places " +
    "that few people know yet many like to see again when summer ends").split(" ");

export interface Page {
  readonly html: string;
  /** URLs that a browser with scripts would load and that the rules of the tests move. */
  readonly moves: number;
}

/** @param bytes about how long */
export function page(seed: number, bytes = 20_000): Page {
  const next = generator(seed);
  let moves = 0;
  const text = (words: number) => Array.from({ length: words }, () => WORDS[next(WORDS.length)]).join(" ");
  const asset = (ending: string) => {
    moves++;
    const path = `/static/${["img", "media", "build/v3"][next(3)]}/${WORDS[next(WORDS.length)]}-${
      next(100_000)
    }.${ending}`;
    return [path, path, path, `https://shop.example${path}`, `${path}?v=${next(99)}&amp;w=640`][next(5)]!;
  };
  const icon = () =>
    `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><title>${
      text(2)
    }</title><path d="M12 2L2 7l10 5 10-5-10-5z"/></svg>`;
  const blocks: (() => string)[] = [
    () =>
      `<p class="lead" data-index="${next(99)}">${text(40)} <a href="/read/${next(999)}?from=list&amp;n=1">${
        text(3)
      }</a>.</p>\n`,
    () =>
      `<article class="card"><a href="/p/${next(9999)}"><img class="lazy" src="${asset("jpg")}" srcset="${
        asset("jpg")
      } 1x, ${asset("jpg")} 2x" alt="${text(4)}" width=240 height=240 loading=lazy></a><h3>${text(5)}</h3><p>${
        text(18)
      } &amp; ${text(5)}</p><span class="price">EUR ${
        next(500)
      }.99</span><form action="/cart" method="post"><button type="submit" name="add" value="${
        next(9999)
      }">Add</button></form></article>\n`,
    () =>
      `<picture><source type="image/avif" srcset="${asset("avif")} 640w, ${
        asset("avif")
      } 1280w" sizes="(min-width: 640px) 50vw, 100vw"><img src='${asset("jpg")}' alt=''></picture>\n`,
    () =>
      `<div class="hero" style="background-image: url(&quot;${asset("png")}&quot;); color: #fff"><h2>${
        text(4)
      }</h2></div>\n`,
    () =>
      `<nav><ul>${
        Array.from({ length: 6 }, () => `<li><a href="/c/${next(99)}">${icon()} ${text(2)}</a></li>`).join("")
      }</ul></nav>\n`,
    () =>
      `<table><caption>${text(3)}</caption><tr>${
        Array.from({ length: 4 }, () => `<td>${text(2)}</td>`).join("")
      }</tr></table>\n`,
    () =>
      `<script type="application/ld+json">{"@type":"Product","image":"/static/img/x.jpg","name":"<img src='/static/y.png'>"}</script>\n`,
    () =>
      `<script>window.data = {"items": "${text(30)}", html: "<li><img src=\\"/static/z.png\\"><\\/li>"};</script>\n`,
    () => `<!-- ${text(5)} <img src="/static/old.png"> -->\n`,
    () => `<noscript><img src="/static/pixel.gif" alt=""></noscript>\n`,
    () =>
      `<video controls poster="${asset("jpg")}"><source src="${asset("mp4")}" type="video/mp4"><p>${
        text(6)
      }</p></video>\n`,
    () => `<template><img src="/static/tpl.png"><style>a{background:url(/static/t.png)}</style></template>\n`,
    () =>
      `<img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" data-src="${
        asset("png")
      }" alt>\n`,
    () => `<pre><code>if (a &lt; b) { c = "&lt;img src='/static/a.png'&gt;"; }</code></pre>\n`,
    () =>
      `<form><label>${text(2)}<select name=s><option value=1 selected>${text(1)}<option>${
        text(1)
      }</select></label><textarea name=t>&lt;p>${text(3)}</textarea><input type=image src="${
        asset("png")
      }" alt=go></form>\n`,
    () => `<iframe src="https://maps.example/embed" title="${text(2)}" loading="lazy"></iframe>\n`,
    () => `<img src="https://images.other.example/${next(999)}.jpg" alt="${text(2)}">\n`,
  ];
  let html = `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>${text(4)}</title>\n` +
    `<link rel="stylesheet" href="${asset("css")}">\n<link rel="preload" as="image" href="${asset("webp")}">\n` +
    `<link rel="icon" href="${asset("ico")}"><link rel="canonical" href="https://shop.example/a/page.html">\n` +
    `<style>@import url("${asset("css").replace("&amp;", "&")}");\nbody{background:url(${
      asset("png").replace("&amp;", "&")
    })}\n.x::before{content:"\\201C"}</style>\n` +
    `<script defer src="${asset("js")}"></script>\n</head>\n<body>\n`;
  while (html.length < bytes) html += blocks[next(blocks.length)]!();
  return { html: `${html}</body>\n</html>\n`, moves };
}
