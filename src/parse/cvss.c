#include "parse/cvss.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/auto.h"

#define METRICS_MAX 40U

struct metric {
    const char *name;
    const char *values; /* one letter each; "P,POC" forms are spelled in `words` */
};

/* A vector taken apart: which value each known metric has. */
struct vector {
    const struct metric *table;
    size_t count;
    char value[METRICS_MAX]; /* 0: not given */
};

/* ── reading ── */

/* Values of more than one letter (2.0: "POC", "ND", "OF", …) stand for their first letter where only the base score is
 * computed. */
static bool take_value(const struct metric *m, struct span text, char *out)
{
    if (text.len == 0 || text.len > 5 || !strchr(m->values, text.ptr[0]))
        return false;
    if (text.len > 1 && !strchr(m->values, '*'))
        return false;
    *out = (char)text.ptr[0];
    return true;
}

static bool take_metric(struct vector *v, struct span field)
{
    struct span name;
    if (!span_take_until(&field, ':', &name))
        return false;
    for (size_t i = 0; i < v->count; i++) {
        if (!span_equal_str(name, v->table[i].name))
            continue;
        return !v->value[i] && take_value(&v->table[i], field, &v->value[i]);
    }
    return false;
}

static bool take_all(struct vector *v, struct span text)
{
    struct span field;
    while (text.len > 0) {
        if (!span_take_until(&text, '/', &field)) {
            field = text;
            text.len = 0;
        } else if (text.len == 0) {
            return false; /* ends with a slash */
        }
        if (!take_metric(v, field))
            return false;
    }
    return true;
}

static char given(const struct vector *v, const char *name)
{
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->table[i].name, name) == 0)
            return v->value[i];
    return 0;
}

static bool has_first(const struct vector *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!v->value[i])
            return false;
    return true;
}

/* The number that stands beside the letter: weight("NLP", "0.85 …"). */
static double weight(char value, const char *letters, const double *numbers)
{
    const char *at = value ? strchr(letters, value) : NULL;
    return at ? numbers[at - letters] : 0;
}
#define WEIGHT(value, letters, ...) weight(value, letters, (const double[]){__VA_ARGS__})

/* ── 2.0 ── */

static const struct metric METRICS_2[] = {
    {"AV", "LAN"},   {"AC", "HML"},   {"Au", "MSN"},    {"C", "NPC"},    {"I", "NPC"},
    {"A", "NPC"},    {"E", "UPFHN*"}, {"RL", "OTWUN*"}, {"RC", "UCN*"},  {"CDP", "NLMH*"},
    {"TD", "NLMH*"}, {"CR", "LMHN*"}, {"IR", "LMHN*"},  {"AR", "LMHN*"},
};

static bool score_2(struct span text, int *tenths)
{
    struct vector v = {.table = METRICS_2, .count = ARRAY_LEN(METRICS_2)};
    if (!take_all(&v, text) || !has_first(&v, 6))
        return false;
    double c = WEIGHT(given(&v, "C"), "NPC", 0, 0.275, 0.660), i = WEIGHT(given(&v, "I"), "NPC", 0, 0.275, 0.660),
           a = WEIGHT(given(&v, "A"), "NPC", 0, 0.275, 0.660);
    double impact = 10.41 * (1 - (1 - c) * (1 - i) * (1 - a));
    double exploitability = 20 * WEIGHT(given(&v, "AV"), "LAN", 0.395, 0.646, 1.0) *
                            WEIGHT(given(&v, "AC"), "HML", 0.35, 0.61, 0.71) *
                            WEIGHT(given(&v, "Au"), "MSN", 0.45, 0.56, 0.704);
    double score = (0.6 * impact + 0.4 * exploitability - 1.5) * (impact > 0 ? 1.176 : 0);
    *tenths = (int)floor(score * 10 + 0.5 + 1e-9);
    return true;
}

/* ── 3.0 and 3.1 ── */

static const struct metric METRICS_3[] = {
    {"AV", "NALP"}, {"AC", "LH"},   {"PR", "NLH"},    {"UI", "NR"},    {"S", "UC"},     {"C", "HLN"},
    {"I", "HLN"},   {"A", "HLN"},   {"E", "XHFPU"},   {"RL", "XUWTO"}, {"RC", "XCRU"},  {"CR", "XHML"},
    {"IR", "XHML"}, {"AR", "XHML"}, {"MAV", "XNALP"}, {"MAC", "XLH"},  {"MPR", "XNLH"}, {"MUI", "XNR"},
    {"MS", "XUC"},  {"MC", "XHLN"}, {"MI", "XHLN"},   {"MA", "XHLN"},
};

/* Appendix A of 3.1: the smallest number of one decimal that is not below, in whole numbers, so that 8.6 stays 8.6. */
static int round_up(double score)
{
    long hundred_thousandths = lround(score * 100000);
    return (int)(hundred_thousandths / 10000 + (hundred_thousandths % 10000 != 0));
}

static bool score_3(struct span text, int *tenths)
{
    struct vector v = {.table = METRICS_3, .count = ARRAY_LEN(METRICS_3)};
    if (!take_all(&v, text) || !has_first(&v, 8))
        return false;
    bool changed = given(&v, "S") == 'C';
    double c = WEIGHT(given(&v, "C"), "HLN", 0.56, 0.22, 0), i = WEIGHT(given(&v, "I"), "HLN", 0.56, 0.22, 0),
           a = WEIGHT(given(&v, "A"), "HLN", 0.56, 0.22, 0);
    double base = 1 - (1 - c) * (1 - i) * (1 - a);
    double impact = changed ? 7.52 * (base - 0.029) - 3.25 * pow(base - 0.02, 15) : 6.42 * base;
    double privileges =
        changed ? WEIGHT(given(&v, "PR"), "NLH", 0.85, 0.68, 0.5) : WEIGHT(given(&v, "PR"), "NLH", 0.85, 0.62, 0.27);
    double exploitability = 8.22 * WEIGHT(given(&v, "AV"), "NALP", 0.85, 0.62, 0.55, 0.2) *
                            WEIGHT(given(&v, "AC"), "LH", 0.77, 0.44) * privileges *
                            WEIGHT(given(&v, "UI"), "NR", 0.85, 0.62);
    if (impact <= 0)
        *tenths = 0;
    else
        *tenths = round_up(fmin((changed ? 1.08 : 1) * (impact + exploitability), 10));
    return true;
}

/* ── 4.0 ── */

static const struct metric METRICS_4[] = {
    {"AV", "NALP"},   {"AC", "LH"},     {"AT", "NP"},    {"PR", "NLH"},    {"UI", "NPA"},   {"VC", "HLN"},
    {"VI", "HLN"},    {"VA", "HLN"},    {"SC", "HLN"},   {"SI", "HLN"},    {"SA", "HLN"},   {"E", "XAPU"},
    {"CR", "XHML"},   {"IR", "XHML"},   {"AR", "XHML"},  {"MAV", "XNALP"}, {"MAC", "XLH"},  {"MAT", "XNP"},
    {"MPR", "XNLH"},  {"MUI", "XNPA"},  {"MVC", "XHLN"}, {"MVI", "XHLN"},  {"MVA", "XHLN"}, {"MSC", "XHLN"},
    {"MSI", "XSHLN"}, {"MSA", "XSHLN"}, {"S", "XNP"},    {"AU", "XNY"},    {"R", "XAUI"},   {"V", "XDC"},
    {"RE", "XLMH"},   {"U", "XCGAR*"},
};

/* Tenths of the score of each macro vector, by its six equivalence classes; 0 where there is no such vector. */
static const uint8_t MACRO[3][2][3][3][3][2] = {
    {
        {
            {{{100, 99}, {98, 95}, {95, 92}}, {{100, 96}, {93, 87}, {91, 81}}, {{93, 90}, {89, 80}, {81, 68}}},
            {{{98, 95}, {95, 92}, {90, 84}}, {{93, 92}, {89, 81}, {81, 65}}, {{88, 80}, {78, 70}, {69, 48}}},
            {{{0, 92}, {0, 82}, {0, 72}}, {{0, 79}, {0, 69}, {0, 50}}, {{0, 69}, {0, 55}, {0, 27}}},
        },
        {
            {{{99, 97}, {95, 92}, {92, 85}}, {{95, 91}, {90, 83}, {84, 71}}, {{92, 81}, {82, 71}, {72, 53}}},
            {{{95, 93}, {92, 85}, {85, 73}}, {{92, 82}, {80, 72}, {70, 59}}, {{84, 70}, {71, 52}, {50, 30}}},
            {{{0, 86}, {0, 75}, {0, 52}}, {{0, 71}, {0, 52}, {0, 29}}, {{0, 63}, {0, 29}, {0, 17}}},
        },
    },
    {
        {
            {{{98, 95}, {94, 87}, {91, 81}}, {{94, 89}, {86, 74}, {77, 64}}, {{87, 75}, {74, 63}, {63, 49}}},
            {{{94, 89}, {88, 77}, {76, 67}}, {{86, 76}, {74, 58}, {59, 50}}, {{72, 57}, {57, 52}, {52, 25}}},
            {{{0, 83}, {0, 70}, {0, 54}}, {{0, 65}, {0, 58}, {0, 26}}, {{0, 53}, {0, 21}, {0, 13}}},
        },
        {
            {{{95, 90}, {88, 76}, {76, 70}}, {{90, 77}, {75, 62}, {61, 53}}, {{77, 66}, {68, 59}, {52, 30}}},
            {{{89, 78}, {76, 67}, {62, 58}}, {{74, 59}, {57, 57}, {47, 23}}, {{61, 52}, {57, 29}, {24, 16}}},
            {{{0, 71}, {0, 59}, {0, 30}}, {{0, 58}, {0, 26}, {0, 15}}, {{0, 23}, {0, 13}, {0, 6}}},
        },
    },
    {
        {
            {{{93, 87}, {86, 72}, {75, 58}}, {{86, 74}, {74, 61}, {56, 34}}, {{70, 54}, {52, 40}, {40, 22}}},
            {{{85, 75}, {74, 55}, {62, 51}}, {{72, 57}, {55, 41}, {46, 19}}, {{53, 36}, {34, 19}, {19, 8}}},
            {{{0, 64}, {0, 51}, {0, 20}}, {{0, 47}, {0, 21}, {0, 11}}, {{0, 24}, {0, 9}, {0, 4}}},
        },
        {
            {{{88, 75}, {73, 53}, {60, 50}}, {{73, 55}, {59, 40}, {41, 20}}, {{54, 43}, {45, 22}, {20, 11}}},
            {{{75, 55}, {58, 45}, {40, 21}}, {{61, 51}, {48, 18}, {20, 9}}, {{46, 18}, {17, 7}, {8, 2}}},
            {{{0, 53}, {0, 24}, {0, 14}}, {{0, 24}, {0, 12}, {0, 5}}, {{0, 10}, {0, 3}, {0, 1}}},
        },
    },
};

enum { EQ1, EQ2, EQ3, EQ4, EQ5, EQ6, CLASSES };

/* The value that counts: a modified metric wins over its base, and what is not defined means the worst. */
static char effective(const struct vector *v, const char *name)
{
    char modified_name[4];
    snprintf(modified_name, sizeof(modified_name), "M%.2s", name);
    char modified = given(v, modified_name), value = given(v, name);
    if (modified && modified != 'X')
        return modified;
    if (value && value != 'X')
        return value;
    if (strcmp(name, "E") == 0)
        return 'A';
    return 'H'; /* CR, IR, AR */
}

/* What is asked for (CR, IR, AR) is hit in full. */
static bool required_is_hit(const struct vector *v)
{
    return (effective(v, "CR") == 'H' && effective(v, "VC") == 'H') ||
           (effective(v, "IR") == 'H' && effective(v, "VI") == 'H') ||
           (effective(v, "AR") == 'H' && effective(v, "VA") == 'H');
}

static void classify(const struct vector *v, unsigned eq[CLASSES])
{
    char av = effective(v, "AV"), pr = effective(v, "PR"), ui = effective(v, "UI"), vc = effective(v, "VC"),
         vi = effective(v, "VI"), va = effective(v, "VA"), si = effective(v, "SI"), sa = effective(v, "SA"),
         e = effective(v, "E");
    bool all = av == 'N' && pr == 'N' && ui == 'N', any = av == 'N' || pr == 'N' || ui == 'N';
    eq[EQ1] = all ? 0 : any && av != 'P' ? 1 : 2;
    eq[EQ2] = effective(v, "AC") == 'L' && effective(v, "AT") == 'N' ? 0 : 1;
    eq[EQ3] = vc == 'H' && vi == 'H' ? 0 : vc == 'H' || vi == 'H' || va == 'H' ? 1 : 2;
    eq[EQ4] = si == 'S' || sa == 'S' ? 0 : effective(v, "SC") == 'H' || si == 'H' || sa == 'H' ? 1 : 2;
    eq[EQ5] = e == 'A' ? 0 : e == 'P' ? 1 : 2;
    eq[EQ6] = required_is_hit(v) ? 0 : 1;
}

/* Tenths, or -1 when there is no such macro vector. */
static int macro(const unsigned eq[CLASSES])
{
    if (eq[EQ1] > 2 || eq[EQ2] > 1 || eq[EQ3] > 2 || eq[EQ4] > 2 || eq[EQ5] > 2 || eq[EQ6] > 1 ||
        (eq[EQ3] == 2 && eq[EQ6] == 0))
        return -1;
    return MACRO[eq[EQ1]][eq[EQ2]][eq[EQ3]][eq[EQ4]][eq[EQ5]][eq[EQ6]];
}

/* From the worst value to the best, a step a letter. */
static const struct metric LEVELS[] = {
    {"AV", "NALP"}, {"PR", "NLH"}, {"UI", "NPA"},  {"AC", "LH"},   {"AT", "NP"},  {"VC", "HLN"}, {"VI", "HLN"},
    {"VA", "HLN"},  {"SC", "HLN"}, {"SI", "SHLN"}, {"SA", "SHLN"}, {"CR", "HML"}, {"IR", "HML"}, {"AR", "HML"},
};

/* Steps from `worst` ("AV:N/PR:N") down to the vector; -1 when one of them goes up. */
static int steps_below(const struct vector *v, const char *worst)
{
    struct span rest = span_str(worst), field, name;
    int steps = 0;
    while (rest.len > 0) {
        if (!span_take_until(&rest, '/', &field)) {
            field = rest;
            rest.len = 0;
        }
        span_take_until(&field, ':', &name);
        for (size_t i = 0; i < ARRAY_LEN(LEVELS); i++) {
            if (!span_equal_str(name, LEVELS[i].name))
                continue;
            const char *levels = LEVELS[i].values;
            const char *from = strchr(levels, field.ptr[0]), *to = strchr(levels, effective(v, LEVELS[i].name));
            if (!from || !to || to < from)
                return -1;
            steps += (int)(to - from);
        }
    }
    return steps;
}

/* The worst vectors of a class, and how many steps it is deep. Classes 3 and 6 are one. */
struct class_of {
    unsigned depth;
    const char *worst[5];
};

static const struct class_of CLASS1[] = {{1, {"AV:N/PR:N/UI:N"}},
                                         {4, {"AV:A/PR:N/UI:N", "AV:N/PR:L/UI:N", "AV:N/PR:N/UI:P"}},
                                         {5, {"AV:P/PR:N/UI:N", "AV:A/PR:L/UI:P"}}};
static const struct class_of CLASS2[] = {{1, {"AC:L/AT:N"}}, {2, {"AC:H/AT:N", "AC:L/AT:P"}}};
static const struct class_of CLASS36[3][2] = {
    {{7, {"VC:H/VI:H/VA:H/CR:H/IR:H/AR:H"}}, {6, {"VC:H/VI:H/VA:L/CR:M/IR:M/AR:H", "VC:H/VI:H/VA:H/CR:M/IR:M/AR:M"}}},
    {{8, {"VC:L/VI:H/VA:H/CR:H/IR:H/AR:H", "VC:H/VI:L/VA:H/CR:H/IR:H/AR:H"}},
     {8,
      {"VC:L/VI:H/VA:L/CR:H/IR:M/AR:H", "VC:L/VI:H/VA:H/CR:H/IR:M/AR:M", "VC:H/VI:L/VA:H/CR:M/IR:H/AR:M",
       "VC:H/VI:L/VA:L/CR:M/IR:H/AR:H", "VC:L/VI:L/VA:H/CR:H/IR:H/AR:M"}}},
    {{0, {NULL}}, {10, {"VC:L/VI:L/VA:L/CR:H/IR:H/AR:H"}}},
};
static const struct class_of CLASS4[] = {{6, {"SC:H/SI:S/SA:S"}}, {5, {"SC:H/SI:H/SA:H"}}, {4, {"SC:L/SI:L/SA:L"}}};

/* How far down its class the vector lies, 0 to 1: the first of the worst vectors that it lies below counts. */
static double share(const struct vector *v, const struct class_of *c)
{
    for (size_t i = 0; i < ARRAY_LEN(c->worst) && c->worst[i]; i++) {
        int steps = steps_below(v, c->worst[i]);
        if (steps >= 0)
            return (double)steps / c->depth;
    }
    return 0;
}

/* The score of the next lower macro vector in one class; -1 when it is the lowest. */
static int next_lower(const unsigned eq[CLASSES], unsigned which)
{
    unsigned lower[CLASSES];
    memcpy(lower, eq, sizeof(lower));
    lower[which]++;
    return macro(lower);
}

/* Of classes 3 and 6 together. From (0, 0) there are two ways down, and the higher one counts. */
static int next_lower_36(const unsigned eq[CLASSES])
{
    if (eq[EQ3] == 0 && eq[EQ6] == 0) {
        int left = next_lower(eq, EQ6), right = next_lower(eq, EQ3);
        return left > right ? left : right;
    }
    return next_lower(eq, eq[EQ3] == 1 && eq[EQ6] == 0 ? EQ6 : EQ3);
}

static bool no_impact(const struct vector *v)
{
    static const char *const names[] = {"VC", "VI", "VA", "SC", "SI", "SA"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (effective(v, names[i]) != 'N')
            return false;
    return true;
}

static bool score_4(struct span text, int *tenths)
{
    struct vector v = {.table = METRICS_4, .count = ARRAY_LEN(METRICS_4)};
    unsigned eq[CLASSES];
    if (!take_all(&v, text) || !has_first(&v, 11))
        return false;
    *tenths = 0;
    if (no_impact(&v))
        return true;
    classify(&v, eq);
    const struct class_of *classes[] = {&CLASS1[eq[EQ1]], &CLASS2[eq[EQ2]], &CLASS36[eq[EQ3]][eq[EQ6]],
                                        &CLASS4[eq[EQ4]]};
    int here = macro(eq), lower[] = {next_lower(eq, EQ1), next_lower(eq, EQ2), next_lower_36(eq), next_lower(eq, EQ4)};
    double sum = 0;
    unsigned count = next_lower(eq, EQ5) >= 0; /* class 5 has no depth of its own */
    for (size_t i = 0; i < ARRAY_LEN(lower); i++) {
        if (lower[i] < 0)
            continue;
        sum += (here - lower[i]) * share(&v, classes[i]);
        count++;
    }
    double score = here - (count ? sum / count : 0);
    *tenths = (int)floor(fmax(score, 0) + 0.5 + 1e-6);
    return true;
}

bool cvss_score(struct span vector, enum cvss_version *version, int *tenths)
{
    if (vector.len > 512)
        return false;
    if (span_take_prefix(&vector, SPAN_LIT("CVSS:4.0/"))) {
        *version = CVSS_4;
        return score_4(vector, tenths);
    }
    if (span_take_prefix(&vector, SPAN_LIT("CVSS:3.1/")) || span_take_prefix(&vector, SPAN_LIT("CVSS:3.0/"))) {
        *version = CVSS_3;
        return score_3(vector, tenths);
    }
    *version = CVSS_2;
    span_take_prefix(&vector, SPAN_LIT("CVSS2#"));
    if (span_take_prefix(&vector, SPAN_LIT("(")) && vector.len > 0)
        vector.len--; /* its bracket; another letter there is no value */
    return score_2(vector, tenths);
}
