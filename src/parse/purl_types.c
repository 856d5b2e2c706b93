#include "parse/purl_types.h"

#include <string.h>

#include "util/auto.h"

/* Parts that are compared without regard to case are kept in lower case. */
#define LOWER_NAMESPACE 1U
#define LOWER_NAME      2U
#define LOWER_VERSION   4U
#define LOWER_SUBPATH   8U

enum wanted { MAY, MUST, MUST_NOT };

struct definition {
    const char *type;
    enum wanted namespace;
    unsigned lower;
    const char *qualifier;                      /* must be there; may be NULL */
    int (*more)(struct purl *p, struct err *e); /* what else the definition says; may be NULL */
};

static int refuse(const struct purl *p, struct err *e, const char *why)
{
    return err_set(e, ERR_INPUT, 0, "package URL: %s: %s", p->type, why);
}

/* Underscores are hyphens. (Names of files of a distribution are another matter.) */
static int pypi(struct purl *p, struct err *e)
{
    (void)e;
    for (char *c = p->name; *c; c++)
        if (*c == '_')
            *c = '-';
    return 0;
}

static int pub(struct purl *p, struct err *e)
{
    (void)e;
    for (char *c = p->name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", *c))
            *c = '_';
    return 0;
}

static int cpan(struct purl *p, struct err *e)
{
    for (char *c = p->namespace; c && *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    if (strstr(p->name, "::"))
        return refuse(p, e, "the name is that of a distribution, and \"::\" makes it one of a module");
    return 0;
}

/* Databricks takes names without regard to case, other servers do not. */
static int mlflow(struct purl *p, struct err *e)
{
    (void)e;
    const char *server = purl_qualifier(p, "repository_url");
    for (char *c = p->name; server && strstr(server, "databricks") && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return 0;
}

static int chrome_extension(struct purl *p, struct err *e)
{
    static const char digits[] = "0123456789";
    if (strlen(p->name) != 32 || strspn(p->name, "abcdefghijklmnop") != 32)
        return refuse(p, e, "the name is 32 letters from a to p");
    size_t numbers = 0, len;
    for (const char *v = p->version; v; v = *v ? v + 1 : NULL, numbers++) {
        len = strspn(v, digits);
        v += len;
        if (len == 0 || (*v && *v != '.') || numbers == 4)
            return refuse(p, e, "the version is one to four numbers with dots between them");
    }
    return 0;
}

static int cocoapods(struct purl *p, struct err *e)
{
    if (p->name[0] == '.' || strpbrk(p->name, "+ \t\r\n"))
        return refuse(p, e, "a name begins with no dot, and holds no \"+\" and no blank");
    return 0;
}

/* In order of type. Of golang and huggingface the definitions ask for a namespace, and what people write has none:
 * "pkg:golang/stdlib", models of the first years. It is not asked for. */
static const struct definition DEFINITIONS[] = {
    {"alpm", MUST, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"apk", MUST, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"bazel", MUST_NOT, 0, NULL, NULL},
    {"bitbucket", MUST, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"bitnami", MUST_NOT, LOWER_NAME, NULL, NULL},
    {"brew", MAY, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"cargo", MUST_NOT, 0, NULL, NULL},
    {"chrome-extension", MUST_NOT, LOWER_NAME, NULL, chrome_extension},
    {"cocoapods", MUST_NOT, 0, NULL, cocoapods},
    {"composer", MUST, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"conda", MUST_NOT, 0, NULL, NULL},
    {"cpan", MAY, 0, NULL, cpan},
    {"cran", MUST_NOT, 0, NULL, NULL},
    {"deb", MUST, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"gem", MUST_NOT, 0, NULL, NULL},
    {"git", MUST, 0, NULL, NULL},
    {"github", MUST, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"hackage", MUST_NOT, 0, NULL, NULL},
    {"hex", MAY, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"huggingface", MAY, LOWER_VERSION, NULL, NULL},
    {"julia", MUST_NOT, 0, "uuid", NULL},
    {"luarocks", MAY, LOWER_NAMESPACE | LOWER_NAME, NULL, NULL},
    {"maven", MUST, 0, NULL, NULL},
    {"mlflow", MUST_NOT, 0, NULL, mlflow},
    {"nuget", MUST_NOT, 0, NULL, NULL},
    {"oci", MUST_NOT, LOWER_NAME | LOWER_VERSION, NULL, NULL},
    {"opam", MUST_NOT, 0, NULL, NULL},
    {"otp", MUST_NOT, LOWER_NAME | LOWER_SUBPATH, NULL, NULL},
    {"pub", MUST_NOT, LOWER_NAME, NULL, pub},
    {"pypi", MUST_NOT, LOWER_NAME | LOWER_VERSION, NULL, pypi},
    {"qpkg", MUST, LOWER_NAMESPACE, NULL, NULL},
    {"rpm", MUST, LOWER_NAMESPACE, NULL, NULL},
    {"swid", MAY, 0, "tag_id", NULL},
    {"swift", MUST, 0, NULL, NULL},
    {"vcpkg", MUST_NOT, 0, NULL, NULL},
    {"vscode-extension", MUST, LOWER_NAMESPACE | LOWER_NAME | LOWER_VERSION, NULL, NULL},
    {"yocto", MAY, LOWER_NAMESPACE, NULL, NULL},
};

static void lower(char *text)
{
    for (; text && *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

bool purl_name_is_path(const char *type)
{
    return strcmp(type, "git") == 0;
}

static int apply(const struct definition *d, struct purl *p, struct err *e)
{
    if (d->namespace == MUST && !p->namespace)
        return refuse(p, e, "a namespace is needed before the name");
    if (d->namespace == MUST_NOT && p->namespace)
        return refuse(p, e, "there is no namespace: one name stands behind the type");
    if (d->qualifier && !purl_qualifier(p, d->qualifier))
        return err_set(e, ERR_INPUT, 0, "package URL: %s: the qualifier \"%s\" is needed", p->type, d->qualifier);
    lower(d->lower & LOWER_NAMESPACE ? p->namespace : NULL);
    lower(d->lower & LOWER_NAME ? p->name : NULL);
    lower(d->lower & LOWER_VERSION ? p->version : NULL);
    lower(d->lower & LOWER_SUBPATH ? p->subpath : NULL);
    return d->more ? d->more(p, e) : 0;
}

int purl_apply_type(struct purl *p, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(DEFINITIONS); i++)
        if (strcmp(DEFINITIONS[i].type, p->type) == 0)
            return apply(&DEFINITIONS[i], p, e);
    return 0;
}
