/* TensorFlow models in protocol buffers: saved_model.pb, frozen graphs, and what lies beside them (keras_metadata.pb,
 * fingerprint.pb). A graph is a program: reading it runs nothing, and running it does what its operators do. Hard rule:
 * every operator of every graph and function is one that computes; what reaches files, other machines or Python is a
 * finding, and an operator that our table does not have is "not scanned". */
#pragma once

#include "parse/report.h"

/* Finds out by the fields which of them it is. Facts: kind, operators (a count), functions. 0, or -1 when reading
 * stopped at a finding. */
int savedmodel_check(struct span file, const char *name, struct report *r);
