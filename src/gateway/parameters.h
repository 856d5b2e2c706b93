/* Parameters of a chat completion that are handed on to the engine: those of the OpenAI API that a local engine can
 * honour, and the samplers that llama-server and vLLM add under the same names. Pure. What asks for another server's
 * services (stored completions, web search, audio out) is not there, so it is refused. */
#pragma once

#include "util/json.h"

bool parameter_known(const char *key);

/* Is this value of a known parameter of the right kind, and within its range? null is, for it says nothing. ERR_INPUT
 * names the parameter, what was found and what was wanted. */
int parameter_check(const char *key, const json_t *value, struct err *e);
