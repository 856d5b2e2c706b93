/* Everything that was signed about one release, looked at again: each envelope's signature under the key that may sign
 * that kind of statement. Rows of state.db only say where the envelopes are. Hard rule: what a line says is read from
 * its verified payload, never from its row; a line that does not verify says nothing, and its presence is a problem of
 * its own. */
#pragma once

#include "gate/policy.h"

struct release;

#define PREDICATE_PROMOTION "urn:airlock:promotion:v1"
#define VERDICT_MEMBER      "urn:airlock:verdict:v1" /* our own member of a verification summary */

#define PREDICATE_WAIVER "urn:airlock:waiver:v1"

enum signer { SIGNER_NONE, SIGNER_CONTOUR, SIGNER_STATION, SIGNER_PERSON };
const char *signer_name(enum signer s);

struct evidence_line {
    struct digest id; /* SHA-256 of the envelope */
    enum signer signer;
    char person[65];         /* who signed, for SIGNER_PERSON */
    int64_t withdrawn_s;     /* when the contour withdrew that person and key; 0: it did not */
    const char *type;        /* predicate type; lives as long as the evidence */
    const json_t *predicate; /* likewise; NULL when the line does not verify */
    const char *result;      /* "PASSED", "FAILED", "INCONCLUSIVE", or ""; likewise */
    const char *environment; /* where it happened or what it is for, or ""; likewise */
    int64_t time_s;          /* signed time where the kind has one, else that of the row */
    char problem[256];       /* why it does not verify; "" when it does */
    char row_type[96];       /* what the row says that it is */
    struct statement statement;
    struct buf envelope;
};

struct evidence {
    struct evidence_line *lines; /* owned; in order of arrival */
    size_t count, room;
    struct people people;  /* as they are now */
    struct digest station; /* key that vouched for the station's lines; zeros when none is known */
    size_t missing;        /* attestations about this release that the ledger names, and that are gone */
    struct digest first_missing;
    uint64_t first_missing_entry;
};
void evidence_fini(struct evidence *ev);
#define auto_evidence AUTO(evidence_fini) struct evidence

/* Loads and verifies the lines about `release` that a gate looks at: all but the verdicts of gate deploy, of which
 * every start of an engine adds one, and which nothing rests on. Rows mark them (EVIDENCE_OF_RUN before the
 * environment) so that they can be left where they are. evidence_load_all takes those too: for the passport, and for
 * fsck. */
#define EVIDENCE_OF_RUN "run:"
int evidence_load(struct site *s, const struct digest *release, struct evidence *out, struct err *e);
int evidence_load_all(struct site *s, const struct digest *release, struct evidence *out, struct err *e);

/* As evidence_load, for who loaded it a moment ago (*before) and wants to know, in a transaction, what stands there
 * now: a line of contour or station that verified then is taken over from *before, without another look at its
 * signature. An inventory of 10,000 packages is some MB. *before is good for evidence_fini only afterwards. */
int evidence_load_again(struct site *s, const struct digest *release, struct evidence *before, struct evidence *out,
                        struct err *e);

/* The newest verified line of that type (and environment, unless NULL), or NULL. */
const struct evidence_line *evidence_newest(const struct evidence *ev, const char *type, const char *environment);
/* The newest that the contour itself signed, in that environment (NULL: in any); what arrived with the shipment is
 * never our result. */
const struct evidence_line *evidence_newest_ours(const struct evidence *ev, const char *type, const char *environment);
const struct evidence_line *evidence_find(const struct evidence *ev, const struct digest *id);

/* Takes type, result, environment and time of a line from its `statement`, which was verified. */
void evidence_line_read(struct evidence_line *line);

/* Can a line of this type speak against a release (scan, test, silence, and whatever carries a result)? */
bool evidence_is_check(const struct evidence_line *line);

/* Is a statement of this type made by a person? */
bool evidence_is_of_person(const char *type);

/* Is a statement of this type worth something only under the contour's own key? */
bool evidence_needs_contour(const char *type);

/* Sorted ids of what a person is shown before an approval for `environment`: everything but verdicts, approvals and
 * promotions. *ids is owned by the caller (free). */
void evidence_set(const struct evidence *ev, const char *environment, struct digest **ids, size_t *count);
