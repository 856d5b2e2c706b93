/* Inside this folder: what the forms of a passport share. */
#pragma once

#include "gate/passport.h"
#include "ship/packages.h"

/* What all forms tell, gathered once. */
struct passport {
    const struct release *release; /* borrowed */
    struct packages packages;      /* that it brings */
    struct evidence ev;
    const struct evidence_line *closing; /* NULL: no gate has judged it */
    const struct evidence_line *receipt; /* NULL: none */
    struct policy policy;                /* in force; the house's own where there is none */
    const char *contour;                 /* id; borrowed */
    int64_t now_s;
};
int passport_gather(struct site *s, const struct release *r, struct passport *out, struct err *e);
void passport_fini(struct passport *p);
#define auto_passport AUTO(passport_fini) struct passport

/* A passport's lines, verified with keys alone, for deciding anew (passport_decide.c). */
struct passport_line {
    size_t number; /* in the file, from 1 */
    struct digest id;
    const struct statement *statement;
};
/* Runs the policy's rules over them; the last is the closing verdict. What forbids to do so (one key for two people) is
 * appended to *report. False: it is not PASSED. */
bool passport_decide(const struct passport_check *c, const struct passport_line *lines, size_t count,
                     struct buf *report);

const struct evidence_line *passport_closing(const struct evidence *ev);
/* Does the closing verdict list this line? */
bool passport_lists(const struct evidence_line *closing, const struct digest *id);
/* Was this line made after the closing verdict, which therefore does not cover it? */
bool passport_after(const struct evidence_line *closing, const struct evidence_line *line);
/* Does this line carry a result that is no "yes"? */
bool passport_against(const struct evidence_line *line);

const char *passport_words(const char *predicate_type); /* "silence test"; the type itself when we have no words */
const char *passport_who(const struct evidence_line *line);
const char *passport_gate(const struct evidence_line *line); /* of a verdict, else "" */

/* The page's section on what was found: scan, inventory, regression suite, silence test. */
void html_found(const struct passport *p, struct buf *out);

/* What speaks against it, and what was made of that; the last is a table of the section on decisions. */
void html_advisories(const struct passport *p, struct buf *out);
void html_licences(const struct passport *p, struct buf *out);
void html_waivers(const struct passport *p, struct buf *out);
void html_provenance(const struct passport *p, struct buf *out);
void html_decisions(const struct passport *p, struct buf *out);

/* Parts of the page. What comes through `format` is escaped as a whole; `name`, `class` and titles are our own. */
void html_section(struct buf *out, const char *title);
void html_table(struct buf *out, const char *class, const char *const columns[]); /* NULL-terminated; opens the body */
void html_table_end(struct buf *out);
void html_fields(struct buf *out); /* a table of name and value, one html_field a row */
void html_field(struct buf *out, const char *name, const char *class, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void html_cell(struct buf *out, const char *class, const char *format, ...) __attribute__((format(printf, 3, 4)));
void html_note(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
