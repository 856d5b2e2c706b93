/* Waivers (urn:airlock:waiver:v1): two people let one finding pass on one digest, or one advisory on one package of a
 * release, for a time, with a measure in its place. Each signs an envelope of their own; inside stands an OpenVEX
 * document (OpenVEX 0.2.0), status "affected", whose action statement is the compensating measure. Hard rule: a waiver
 * counts while two different people's statements overlap, one of them of a security officer, and never for what the
 * policy or objection.h says that nobody can waive. docs/formats/waiver.schema.json */
#pragma once

#include "gate/evidence.h"
#include "gate/objection.h"

struct waiver_wish {
    const char *finding;     /* rule, advisory or alias */
    const char *place;       /* path in the release, or purl; NULL: there is only one */
    const char *environment; /* NULL: in each */
    const char *compensation, *ticket;
    int64_t from_s, until_s; /* from_s 0: now */
    bool withdraw;           /* takes this person's earlier statement back */
};

/* What one statement says. */
struct waiver_statement {
    const char *contour, *person, *role, *decision; /* "WAIVE" or "WITHDRAW" */
    const char *environment;                        /* "": each */
    const char *release;                            /* name:version */
    const struct digest *release_digest;
    const struct objection *objection;
    const char *compensation, *ticket;
    int64_t created_s, from_s, until_s;
};
void waiver_predicate(const struct waiver_statement *s, struct buf *out);

/* One person signs. *people: how many have signed now, of the two that are needed; until_s: when it ends. ERR_NOTFOUND:
 * no such finding speaks against the release, or several do (the message lists them). ERR_DENIED: not this person, too
 * long, or nobody can waive it. */
struct waiver_made {
    struct digest id;
    unsigned people;
    struct objection objection; /* texts are good as long as *objections */
    int64_t from_s, until_s;
};
int waiver_make(struct site *s, const struct release *r, const struct waiver_wish *wish, const struct private_key *key,
                struct objections *objections, struct waiver_made *out, struct err *e);

/* A waiver that counts. */
struct waiver {
    const char *person[2]; /* the security officer first */
    int64_t from_s, until_s;
    const char *compensation, *ticket;
};

/* Who looks for one: where and when. */
struct waiver_place {
    const struct evidence *ev;
    const struct policy *policy;
    const char *contour, *environment;
    int64_t now_s;
};

/* The waiver that covers this objection here and now; false, with the reason in `why`, when none does. */
bool waiver_covers(const struct waiver_place *p, const struct objection *o, struct waiver *out, char *why, size_t size);

/* The waiver of two people that would cover it but for its end, which may be over: for who warns of ends. */
bool waiver_ever(const struct waiver_place *p, const struct objection *o, struct waiver *out);

/* Everything that speaks against the release now: of the newest scan of the contour and the newest match of advisories,
 * which may be absent, and of its newest inventory's licences. */
int waiver_objections(const struct evidence *ev, const struct policy *p, struct objections *out, struct err *e);

/* Do waivers cover all of them? *ends_s: when the first of the waivers ends. Else `why` names the first that stays. */
bool waivers_cover_all(const struct waiver_place *p, const struct objections *o, int64_t *ends_s, char *why,
                       size_t size);

/* How it stands with waivers under a release that runs: `serve` asks by and by. */
struct waiver_standing {
    bool holds;     /* nothing blocks, or waivers cover all of it */
    char why[400];  /* what stays, when not */
    int64_t ends_s; /* the first of those waivers ends; INT64_MAX: none is needed */
    bool end_stops; /* by the policy, what runs ends with it */
    int64_t warn_s; /* so long before, it is to be spoken of */
};
int waiver_standing(struct site *s, const struct digest *release, const char *environment, struct waiver_standing *out,
                    struct err *e);
