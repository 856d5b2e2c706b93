/* What can be said of the values in a template without rendering it: what each name is set to anywhere, and from that
 * which expressions are numbers, which texts are put together from pieces, which values were reached by a key that is
 * not known. By name, without regard to order and scope: a name counts as everything that it ever is. Hard rule: where
 * this cannot tell, it answers what makes the rules stricter. */
#pragma once

#include "parse/jinja_parse.h"

/* Names that stand for names that stand for … */
#define LIMIT_JINJA_FOLLOW 300U

enum jinja_question {
    JINJA_IS_NUMBER, /* always, if it is anything */
    JINJA_IS_BUILT,  /* may be a text that the template puts together: 'a' ~ b, a macro's output */
    JINJA_IS_DEEP,   /* may have been reached by a key that is neither written out nor a number */
    JINJA_IS_SPOKEN, /* may be what a message says */
    JINJA_IS_TABLE,  /* always a table or a list that the template itself writes out */
    JINJA_QUESTIONS
};

struct jinja_symbol {
    struct span name;
    enum jinja_space { JINJA_NAMES, JINJA_MEMBERS, JINJA_KEYS } space; /* of a namespace, of a table */
    /* RENDERED: text of the template, or nobody can tell; GIVEN: a parameter, besides what it is called with */
    enum { JINJA_SET, JINJA_ITERATED, JINJA_RENDERED, JINJA_GIVEN } how;
    uint32_t node;                 /* the value, or what is iterated; 0 with the last two */
    uint8_t memo[JINJA_QUESTIONS]; /* of the first symbol of a name, */
    uint32_t group;                /* and how many symbols that name has */
};

struct jinja_facts {
    const struct jinja *j;        /* borrowed */
    struct jinja_symbol *symbols; /* owned; by space, name */
    size_t count, room;
    const struct jinja_node **macros; /* owned; by name */
    size_t macro_count, macro_room;
    unsigned depth;
    size_t circles; /* how often a name was asked about while the answer was looked for */
};

void jinja_facts_init(struct jinja_facts *f, const struct jinja *j); /* of a template that parsed */
void jinja_facts_fini(struct jinja_facts *f);
#define auto_jinja_facts AUTO(jinja_facts_fini) struct jinja_facts

bool jinja_is(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n);
/* Somewhere in the template a name is set; a member of a namespace or table is. */
bool jinja_is_set(const struct jinja_facts *f, struct span name);
bool jinja_is_member_set(const struct jinja_facts *f, struct span name);
const struct jinja_node *jinja_macro(const struct jinja_facts *f, struct span name); /* or NULL */

/* Is the object of an ITEM one that an unknown key has led to before? `x = x[key]`, once, is one step: what is set in a
 * loop does not last. */
bool jinja_steps_again(struct jinja_facts *f, const struct jinja_node *item);

/* Is `n` an entry of a list of macros, as in [a, b][i]? */
bool jinja_is_macro_of_list(struct jinja_facts *f, const struct jinja_node *n);
