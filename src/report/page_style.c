// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the HTML page looks: quiet on a screen, and made for A4 paper. Fonts are those the reader has.
#include "report/page.h"

#include <string.h>

#include "base/text.h"

static const char screen[] =
        ":root { color-scheme: light; --ink: #1c2328; --soft: #5a656e; --line: #d5dade; --tint: #f5f7f8;\n"
        "  --good: #1d6b45; --bad: #9f2a20; --part: #7a5a00; }\n"
        "* { box-sizing: border-box; }\n"
        "html { background: #fff; }\n"
        "body { margin: 0; color: var(--ink); font: 15px/1.5 \"Source Sans 3\", \"Segoe UI\", \"Noto Sans\",\n"
        "  \"DejaVu Sans\", Helvetica, Arial, sans-serif; }\n"
        "main { max-width: 58rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem; }\n"
        "h1 { font-size: 1.75rem; font-weight: 600; line-height: 1.25; margin: 0 0 1.25rem;\n"
        "  letter-spacing: -.01em; }\n"
        "h2 { font-size: 1.25rem; font-weight: 600; margin: 3rem 0 .8rem; padding-bottom: .3rem;\n"
        "  border-bottom: 1px solid var(--line); }\n"
        "h2 .number { display: inline-block; min-width: 1.6rem; color: var(--soft); font-weight: 400; }\n"
        "h3 { font-size: 1rem; font-weight: 600; margin: 1.7rem 0 .5rem; }\n"
        "p { margin: .6rem 0; max-width: 46rem; }\n"
        "a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }\n"
        "nav { margin: 2rem 0 0; }\n"
        "nav h2 { margin: 0 0 .5rem; font-size: 1rem; border: 0; padding: 0; }\n"
        "nav ol { margin: 0; padding-left: 1.6rem; columns: 2; column-gap: 2.5rem; }\n"
        "nav li { break-inside: avoid; }\n"
        ".banner { max-width: none; margin: .8rem 0; padding: .6rem .9rem; background: var(--tint);\n"
        "  border-left: 4px solid var(--soft); overflow-wrap: anywhere; white-space: pre-line; }\n"
        ".banner.good { border-color: var(--good); font-weight: 600; }\n"
        ".banner.bad { border-color: var(--bad); color: var(--bad); font-weight: 600; }\n"
        "dl { display: grid; grid-template-columns: 9.5rem 1fr; margin: .8rem 0; }\n"
        "dt, dd { margin: 0; padding: .28rem 0; border-bottom: 1px solid var(--line); }\n"
        "dt { color: var(--soft); padding-right: 1rem; }\n"
        "dd { overflow-wrap: anywhere; white-space: pre-line; }\n"
        "table { width: 100%; table-layout: fixed; border-collapse: collapse; margin: .8rem 0;\n"
        "  font-size: .9rem; line-height: 1.4; }\n"
        "th { text-align: left; vertical-align: bottom; font-weight: 600; color: var(--soft);\n"
        "  border-bottom: 1.5px solid var(--soft); padding: .3rem .8rem .3rem 0; }\n"
        "td { vertical-align: top; border-bottom: 1px solid var(--line); padding: .38rem .8rem .38rem 0;\n"
        "  overflow-wrap: anywhere; }\n"
        "td b { font-weight: 600; }\n"
        "th:last-child, td:last-child { padding-right: 0; }\n"
        "pre { font-family: \"Source Code Pro\", Consolas, \"DejaVu Sans Mono\", \"Liberation Mono\",\n"
        "  monospace; font-variant-ligatures: none; }\n"
        ".figure { text-align: right; font-variant-numeric: tabular-nums; }\n"
        "td.figure + td:not(.figure), th.figure + th:not(.figure) { padding-left: .7rem; }\n"
        ".answer span { font-weight: 600; color: var(--soft); white-space: nowrap; }\n"
        ".answer .yes { color: var(--good); }\n"
        ".answer .no { color: var(--ink); }\n"
        ".answer .inpart { color: var(--part); }\n"
        "pre { margin: .8rem 0; padding: .8rem 1rem; background: var(--tint); font-size: .75rem;\n"
        "  line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }\n"
        ".blanks { margin-top: 2rem; }\n"
        ".blanks td { color: var(--soft); padding: 2.6rem 1rem .2rem 0; border-bottom: 0; }\n"
        ".blanks td::before { content: \"\"; display: block; border-top: 1px solid var(--ink); margin-bottom: "
        ".2rem; }\n"
        "@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dt { border: 0; padding-bottom: 0; }\n"
        "  nav ol { columns: 1; } table { font-size: .8rem; } }\n";

static const char print[] = "@media print {\n"
                            "  body { font-size: 9.5pt; line-height: 1.4; }\n"
                            "  main { max-width: none; padding: 0; }\n"
                            "  h1 { font-size: 18pt; }\n"
                            "  h2 { font-size: 13pt; margin-top: 18pt; break-after: avoid; }\n"
                            "  h3 { font-size: 10.5pt; break-after: avoid; }\n"
                            "  p { max-width: none; orphans: 3; widows: 3; }\n"
                            "  h3 + p { break-after: avoid; }\n"
                            "  table { font-size: 8.5pt; }\n"
                            "  td { padding-top: .2rem; padding-bottom: .22rem; }\n"
                            "  thead { display: table-header-group; }\n"
                            "  tr, dt, dd, .banner, .blanks { break-inside: avoid; }\n"
                            "  pre { font-size: 7.2pt; padding: 0; background: none; }\n"
                            "  * { print-color-adjust: exact; }\n"
                            "}\n";

void page_style(struct buffer *out, const char *running)
{
	buffer_text(out, screen);
	buffer_text(out, print);
	buffer_text(out, "@page { size: A4; margin: 17mm 16mm 18mm;\n"
	                 "  @bottom-left { font: 7.5pt sans-serif; color: #5a656e; content: \"");
	// In a CSS string every character that is no letter or digit is written by its number: nothing ends the
	// string, or the style.
	for (size_t at = 0, size = strlen(running); at < size;) {
		uint32_t character = '?';
		size_t octets = text_utf8(running + at, size - at, &character);
		bool plain = (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
		             (character >= 'A' && character <= 'Z');

		if (plain)
			buffer_add(out, running + at, 1);
		else
			buffer_printf(out, "\\%06x", (unsigned)character);
		at += octets ? octets : 1;
	}
	buffer_text(out, "\"; }\n  @bottom-right { font: 7.5pt sans-serif; color: #5a656e;\n"
	                 "    content: counter(page) \" / \" counter(pages); }\n}\n");
}
