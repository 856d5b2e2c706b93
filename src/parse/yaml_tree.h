/* YAML that came from outside, read in the parse process and rebuilt on this side: what crosses is a list of nodes in
 * JSON, in the order of the text. Hard rule: what comes back is believed in its form only, counted and capped again. */
#pragma once

#include "parse/yaml.h"
#include "util/json.h"

/* op "yaml": input one document, argument its name for messages. The reply is {"nodes": [{"line", "text", "quoted"} or
 * {"line", "map": [KEY…]} or {"line", "list": COUNT}, …]}: a map's and a list's members follow it. */
int yaml_tree_op(struct span input, struct span arg, struct buf *reply, struct err *e);

/* The tree of a reply. The caller frees by yaml_free. NULL: ERR_INPUT. */
struct yaml *yaml_tree_read(const json_t *reply, struct err *e);
