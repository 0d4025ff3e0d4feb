/** Markup without a compiler. */
import htm from "htm";
import { h, type VNode } from "preact";

type Html = (parts: TemplateStringsArray, ...values: readonly unknown[]) => VNode;

// The package's types name a module where a function is.
export const html: Html = (htm as unknown as typeof htm.default).bind(h) as Html;
