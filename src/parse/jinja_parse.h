/* The tree of a Jinja template, by the grammar of Jinja 3.1 as the loaders of models set it up: blocks trimmed, with
 * break and continue and the tag `generation`, without `do` and `trans`. Hard rules: nothing is rendered; depth, nodes
 * and bytes are bounded; a text is kept as it reads after its escapes, so that no spelling hides a name. */
#pragma once

#include "parse/jinja_lex.h"
#include "util/buf.h"

/* A template of a large tool-calling model has 30 KiB. */
#define LIMIT_TEMPLATE_BYTES (1U << 20)

/* A template of 1 MiB with a node every three bytes; the largest real ones have 10,000. */
#define LIMIT_JINJA_NODES 400000U

/* Python's own compiler gives up at about as many levels of an expression. */
#define LIMIT_JINJA_DEPTH 200U

/* What a node is, and which nodes stand below it, in order. Brackets: may be missing. */
enum jinja_kind {
    JINJA_NODE_ROOT,         /* body */
    JINJA_NODE_BODY,         /* statements */
    JINJA_NODE_TEXT,         /* text outside of tags */
    JINJA_NODE_OUTPUT,       /* expressions */
    JINJA_NODE_FOR,          /* target, iterated, NOTHING or test, body, [body of else]; flag: recursive */
    JINJA_NODE_IF,           /* (test, body)…, [body of else] */
    JINJA_NODE_SET,          /* target, value */
    JINJA_NODE_SET_BLOCK,    /* target, NOTHING or filter, body */
    JINJA_NODE_MEMBER,       /* a target `name.member`: text is the member; below: NAME */
    JINJA_NODE_MACRO,        /* text: name; PARAMETER…, body */
    JINJA_NODE_PARAMETER,    /* text: name; [default] */
    JINJA_NODE_CALL_BLOCK,   /* PARAMETER…, CALL, body */
    JINJA_NODE_FILTER_BLOCK, /* filter, body */
    JINJA_NODE_WITH,         /* SET…, body */
    JINJA_NODE_GENERATION,   /* body */
    JINJA_NODE_BREAK,
    JINJA_NODE_CONTINUE,
    JINJA_NODE_OTHER, /* a tag that is read and never allowed: include, import, from, extends, block, autoescape; text:
                         its name; expressions and bodies */
    /* expressions */
    JINJA_NODE_NAME,
    JINJA_NODE_CONSTANT, /* true, false, none */
    JINJA_NODE_STRING,   /* text: after its escapes; flag: an escape stands for a printable character of ASCII */
    JINJA_NODE_INTEGER,
    JINJA_NODE_FLOAT,
    JINJA_NODE_TUPLE,
    JINJA_NODE_LIST,
    JINJA_NODE_DICT, /* PAIR… */
    JINJA_NODE_PAIR,
    JINJA_NODE_CONDITION, /* value, test, [other] */
    JINJA_NODE_LOGIC,     /* text: and, or, not; one or two */
    JINJA_NODE_COMPARE,   /* value, OPERAND… */
    JINJA_NODE_OPERAND,   /* text: ==, in, "not in" …; value */
    JINJA_NODE_MATH,      /* text: + - * / // % **; one or two */
    JINJA_NODE_CONCAT,    /* ~ */
    JINJA_NODE_ATTRIBUTE, /* text: name; object */
    JINJA_NODE_ITEM,      /* object, key */
    JINJA_NODE_SLICE,     /* three, NOTHING where one is missing */
    JINJA_NODE_CALL,      /* called, arguments (KEYWORD, SPREAD) */
    JINJA_NODE_KEYWORD,   /* text: name; value */
    JINJA_NODE_SPREAD,    /* text: * or **; value */
    JINJA_NODE_FILTER,    /* text: name with dots; NOTHING or filtered, arguments */
    JINJA_NODE_TEST,      /* text: name with dots; tested, arguments */
    JINJA_NODE_NOTHING,
};

struct jinja_node {
    uint8_t kind; /* enum jinja_kind */
    bool flag;
    uint16_t depth;             /* levels below it */
    uint32_t at;                /* byte of the template */
    uint32_t first, last, next; /* below it, beside it; 0: none */
    struct span text;           /* borrowed of the template or of `strings` */
};

struct jinja {
    struct span text;
    struct jinja_node *nodes; /* owned; the root is 1, and 0 is none */
    uint32_t count, room;
    uint8_t *strings; /* owned; as long as the template */
    size_t strings_len;
    /* how it failed */
    bool failed;
    bool too_large; /* a limit, no fault of the template */
    size_t problem_at;
    char problem[128];
    /* while it is read */
    struct jinja_lexer lexer;
    struct jinja_token now, ahead;
    unsigned level, loops;
};

/* Reads all of the template. False: it does not parse, or is larger than we read; `problem`, `problem_at`. To be freed
 * in either case. */
bool jinja_parse(struct jinja *j, struct span text);
void jinja_fini(struct jinja *j);
#define auto_jinja AUTO(jinja_fini) struct jinja

const struct jinja_node *jinja_child(const struct jinja *j, const struct jinja_node *n, unsigned number); /* or NULL */
const struct jinja_node *jinja_next(const struct jinja *j, const struct jinja_node *n);                   /* or NULL */
