/* Who guesses tokens, and how much of the access log a stranger may fill. Wrong tokens are counted per address: after a
 * few of them each further one makes the address wait, twice as long every time, and then it is locked for some
 * minutes. Nobody is held waiting: the answer is 429 at once, before the database is asked. Tokens that were right
 * lately go on (callers.h): one machine with an old token shuts nobody out who works behind the same address. Tokens
 * that begin alike are counted too, over all addresses: while one is being guessed, an address's first wrong token of
 * that beginning locks it. What strangers are refused is recorded up to a number per address and minute, and how much
 * was left out is told afterwards. Memory is bounded: of more addresses than there are slots, those that have been
 * quiet longest are forgotten. Safe from any thread. Hard rule: a right token is never counted as a wrong one. */
#pragma once

#include <stdbool.h>

#include "util/digest.h"

/* Wrong tokens that cost nothing: a person who pastes the wrong one. The sixth makes the address wait a second. */
#define PORTER_FREE         5U
/* … 2, 4, 8, 16, 32 seconds, and the twelfth locks it. One is forgiven every half minute. */
#define PORTER_LOCK_AT      12U
#define PORTER_LOCK_S       300
#define PORTER_FORGIVE_S    30
/* Requests that do not wait although they were told to: then the lock comes at once. */
#define PORTER_HASTE        20U
/* Different wrong tokens with one beginning (its first 16 characters), from wherever. */
#define PORTER_PREFIX_CHARS 16U
#define PORTER_PREFIX_TRIES 20U

/* Records of refused requests of nobody known: of one address, and of all together, in a minute (some 200 KiB). */
#define PORTER_RECORDS     30U
#define PORTER_RECORDS_ALL 600U
/* Addresses that are told of in a minute, of those that have to wait or are locked: whoever has a thousand addresses
 * could fill the log with them. */
#define PORTER_NEWS        60U

#define PORTER_ADDRESS_SIZE 48

struct porter;

struct porter *porter_new(void);
void porter_free(struct porter *g); /* NULL is fine */

enum porter_word {
    PORTER_OPEN,
    PORTER_WAIT,  /* no look-up for this address now; whoever is known already may go on */
    PORTER_LOCKED /* the same for minutes, and nothing shortens it */
};

/* `wait_s` is when to come again. Cheap while nobody guesses. */
enum porter_word porter_look(struct porter *g, const char *address, int64_t now_ms, unsigned *wait_s);

/* What came of a wrong token, for the log: the address has to wait from now on, or is locked. */
struct porter_news {
    bool waits, locked;
    bool told; /* it is worth an event and a record: not one of too many in this minute */
    unsigned failures, seconds;
};

/* A wrong token came. The same one again counts, but does not lock. Of one that was under way when the lock came
 * nothing comes. */
struct porter_news porter_failed(struct porter *g, const char *address, struct span token, int64_t now_ms);
/* A request came although its address had to wait. */
struct porter_news porter_hasty(struct porter *g, const char *address, int64_t now_ms);

/* May one more refusal of this address be recorded? If not, it is counted. */
bool porter_may_record(struct porter *g, const char *address, int64_t now_ms);

/* Of a minute that is over: calls `each` with every address of which records were left out, and the sum of those beyond
 * PORTER_RECORDS_ALL with the address "*". With `all`, of the present minute too. */
void porter_left_out(struct porter *g, int64_t now_ms, bool all,
                     void (*each)(void *arg, const char *address, unsigned count), void *arg);
