/* Answers that many clients ask for again and again: manifests, lists of tags, pages of packages. Each is kept as it
 * was given, by what was asked (path, host, what is accepted), and given again from the event loop without a database.
 * Hard rules: all of them go the moment something was decided (promote, roll back, admit), for all protocols together;
 * who asks is looked at each time, and each answer leaves its access record. Only what is the same for every caller who
 * may see it at all may be kept here. */
#pragma once

#include "gateway/callers.h"

struct cache;

/* Borrows what it is given until cache_free. `record` is the access log's, and must not block. */
struct cache *cache_new(struct callers *callers, int (*record)(void *arg, struct span record, struct err *e),
                        void *arg);
void cache_free(struct cache *c); /* NULL is fine; after http_stop */

/* Answers when it can, which includes the record. Does not wait: four thousand times a second at most it asks the
 * database for a number, and when that has changed for the rows that were added to the ledger. */
bool cache_answer(struct cache *c, struct http_request *r, const struct identity *who);

/* Looks what was decided since, and forgets accordingly. Returns the generation: what the database says from now on is
 * of this one or of a later one. On a worker, before the answer is looked for. */
uint64_t cache_renew(struct cache *c);

/* Answers with status 200, the headers that were put and these bytes, which are taken, and keeps the answer if it is
 * still of this generation. `record` is the access record that was written for it: of the same members in the same
 * order ("time", "kind", "person", "role", "environment", …) are those of the answers to come. */
void cache_answer_new(struct cache *c, struct http_request *r, uint64_t generation, struct span record,
                      const char *content_type, struct buf *body);
