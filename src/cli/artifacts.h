/* The policy and the advisories of a shipment, for people and as JSON. */
#pragma once

#include "ship/shipment_doc.h"
#include "util/json.h"

/* A line each. */
void artifacts_print(const struct shipment_artifact *list, size_t count);

/* The member "artifacts", an array that may be empty: {"role", "digest", "size", "date"} each. */
void artifacts_put(struct json_out *w, const struct shipment_artifact *list, size_t count);
