/* What the two halves of Jinja's parser share: statements (jinja_parse.c) and expressions (jinja_expr.c). Each
 * jinja_expr_* returns a node, or 0 when reading has failed. */
#pragma once

#include "parse/jinja_parse.h"

uint32_t jinja_node(struct jinja *j, enum jinja_kind kind, size_t at, struct span text); /* 0: too many */
void jinja_add(struct jinja *j, uint32_t parent, uint32_t child);
uint32_t jinja_fail(struct jinja *j, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool jinja_enter(struct jinja *j); /* one level deeper, to be left in any case; false: too deep */
void jinja_leave(struct jinja *j);

void jinja_advance(struct jinja *j);
bool jinja_is_op(const struct jinja *j, unsigned op);
bool jinja_is_name(const struct jinja *j, const char *name);
bool jinja_take_op(struct jinja *j, unsigned op);
bool jinja_take_name(struct jinja *j, const char *name);
bool jinja_need_op(struct jinja *j, unsigned op);
bool jinja_need_name(struct jinja *j, const char *name);
bool jinja_need_any_name(struct jinja *j, struct span *name);

uint32_t jinja_expr(struct jinja *j, bool with_condition);
uint32_t jinja_expr_primary(struct jinja *j);

/* Expressions with commas between them; one without a comma is itself. */
enum jinja_tuple { JINJA_TUPLE_PLAIN, JINJA_TUPLE_CONDITION, JINJA_TUPLE_TARGET, JINJA_TUPLE_BRACKETS };
uint32_t jinja_expr_tuple(struct jinja *j, enum jinja_tuple form);
uint32_t jinja_expr_filters(struct jinja *j, uint32_t filtered, bool begins_bare);
