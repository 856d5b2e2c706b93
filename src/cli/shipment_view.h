/* `airlock show shipment:N`. */
#pragma once

#include "cli/command.h"

int show_shipment(struct invocation *in, uint64_t number);
