/* The policy in force: what each environment asks for, as strict YAML that the contour's key has signed. Hard rule: a
 * policy may ask for more than the house does (docs/formats/policy.md, "The floor"), never for less; a text that is not
 * the one that was signed last is no policy, and then every gate says no. */
#pragma once

#include "scan/engines.h"
#include "site/site.h"

#define POLICY_FILE         "policy.yaml"
#define POLICY_SIGNATURE    "policy.yaml.sig" /* one DSSE envelope around the text */
#define POLICY_TYPE         "application/vnd.airlock.policy.v1+yaml"
#define POLICY_APPROVALS    8U
#define POLICY_TEMPLATES    64U
#define ENVIRONMENT_SIZE    17U
#define ENVIRONMENT_SANDBOX "sandbox"
#define ENVIRONMENT_TEST    "test"
#define ENVIRONMENT_PROD    "prod"

/* What `init` writes: the default with its comments. */
extern const char POLICY_DEFAULT[];

/* What an environment may ask for; the names that stand in `require` are those of requirement_name. */
enum requirement {
    REQUIRE_STATION_SIGNATURE,
    REQUIRE_PROVENANCE,
    REQUIRE_SBOM,
    REQUIRE_SCAN,
    REQUIRE_STOOD_BEFORE,
    REQUIRE_TEST,
    REQUIRE_SILENCE,
    REQUIRE_REQUEST,
    REQUIRE_APPROVALS,
    REQUIRE_ADVISORIES,
    REQUIREMENTS
};
const char *requirement_name(enum requirement r); /* "station-signature" */

struct policy_environment {
    const char *name;                      /* static */
    const char *before;                    /* where a release must have stood; NULL for the first */
    uint32_t require;                      /* bit 1 << enum requirement */
    uint64_t scan_age_s;                   /* a scan may be this old, in seconds, when a pointer moves */
    uint64_t approval_age_s;               /* longest life of an approval, in seconds */
    enum role approvals[POLICY_APPROVALS]; /* each by another person */
    size_t approval_count;
};

enum { POLICY_SANDBOX, POLICY_TEST, POLICY_PROD, POLICY_ENVIRONMENTS };

/* What blocks of what is known to be wrong, and what people may let pass for a time. */
struct policy_findings {
    uint32_t block;            /* advisories of these severities: bit 1 << enum advisory_severity */
    uint64_t advisories_age_s; /* the oldest source of the snapshot may be this old where advisories are asked for */
    uint64_t advisories_least; /* and it must hold at least so many records */
    uint64_t waiver_longest_s; /* the longest life of a waiver */
    uint64_t waiver_warn_s;    /* how long before its end `status` and the log speak of it */
    bool waiver_end_stops;     /* a running engine ends with the waiver that it rests on; else it runs on */
    uint32_t critical;         /* environments in which critical findings can be waived: bit 1 << POLICY_… */
};

/* Which licences may be had, of one class of what a release is made of. */
enum licence_class { LICENCE_MODELS, LICENCE_PACKAGES, LICENCE_IMAGES, LICENCE_CLASSES };
#define POLICY_LICENCES_SIZE 2048U
struct policy_licences {
    char allow[POLICY_LICENCES_SIZE],
        deny[POLICY_LICENCES_SIZE]; /* "MIT,LGPL-2.1+" (parse/licence_judge.h); "": none */
    bool unknown_blocks;            /* else it is a remark */
};
const char *licence_class_name(enum licence_class c);      /* "models"; images: the packages in them */
bool licence_class_asked(const struct policy_licences *l); /* does it ask for anything? */
/* What is wrong with this licence ("": unknown): "licence-denied", "licence-not-allowed", "licence-unknown"; NULL:
 * nothing. Static. */
const char *policy_licence_objection(const struct policy_licences *l, const char *expression);

/* One example that a policy gives of itself: `airlock policy test` decides it, and compares. */
struct policy_example {
    char name[96];
    unsigned line;          /* in the text */
    unsigned environment;   /* POLICY_SANDBOX … */
    int without;            /* enum requirement that is missing, or -1 */
    bool finding, advisory; /* a finding of a scan, or an advisory that hits a package … */
    bool licence;           /* … or a licence: */
    char expression[96];    /* "": unknown */
    enum licence_class class;
    unsigned severity;           /* … of this severity: enum advisory_severity */
    bool not_scanned, malicious; /* … or a file that was not scanned, a malicious package */
    uint64_t waiver_s;           /* two people waive it for so long; 0: nobody does */
    bool passes;                 /* what is expected; else it blocks */
};
#define POLICY_EXAMPLES 64U

struct policy {
    struct digest digest; /* of the text */
    struct policy_environment environments[POLICY_ENVIRONMENTS];
    struct digest
        templates[POLICY_TEMPLATES]; /* chat templates that this contour has read, besides the built-in list */
    size_t template_count;
    struct policy_findings findings;
    struct policy_licences licences[LICENCE_CLASSES];
    struct engines_wanted scanners; /* of others; ours always look */
    struct policy_example examples[POLICY_EXAMPLES];
    size_t example_count;
};

/* Does the policy decide as its example says? `why` says what it decides and by what. */
bool policy_example_holds(const struct policy *p, const struct policy_example *x, char *why, size_t size);

/* The environment of that name, or NULL: ERR_USAGE names the three. */
const struct policy_environment *policy_environment(const struct policy *p, const char *name, struct err *e);
/* Is `name` one of the three? */
bool environment_known(const char *name);

/* Reads a text; `name` is the file's name for messages. ERR_INPUT "policy.yaml:LINE: …". */
int policy_parse(struct span text, const char *name, struct policy *out, struct err *e);

/* The same of a text that came from elsewhere: its YAML is taken apart in the parse process. */
int policy_parse_apart(struct child *parser, struct span text, const char *name, struct policy *out, struct err *e);

/* Verifies the signature over policy.yaml and reads it. ERR_DENIED when the text is not the one that was signed last;
 * ERR_INPUT, ERR_NOTFOUND. */
int policy_load(struct site *s, struct policy *out, struct err *e);

/* Is a policy in force here? */
bool policy_exists(struct site *s);

/* Writes the default, unless there is a policy.yaml already, and signs it: the last step of `init`. */
int policy_install(struct site *s, struct err *e);

/* Signs policy.yaml as it stands into policy.yaml.sig, and writes the ledger's entry "policy-set"; refuses a text that
 * does not parse. Again is fine. */
int policy_sign(struct site *s, struct err *e);
