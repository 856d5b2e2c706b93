/* Tokens that their issuers gave a prefix to, so that they can be found. The table is facts: prefix, the characters
 * that follow, how many. Where the form has a checksum it decides. */
#include "parse/secrets_internal.h"

#include <string.h>
#include <zlib.h>

#define SET_URL (SET_ALNUM | SET_DASH | SET_UNDER)
#define SET_HEX 128 /* small hex digits: asked by itself */

struct form {
    const char *prefix, *kind;
    unsigned set;
    uint16_t least, most;             /* characters behind the prefix */
    bool (*check)(struct span value); /* of the whole; NULL: secret_is_disordered, of what follows the prefix */
    bool checked;                     /* the check is a checksum */
};

/* Six characters of base 62 at the end are the CRC-32 of the thirty before them (GitHub's form since 2021; npm's). */
static bool crc_holds(struct span value)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct span tail;
    if (value.len < 36 || !span_slice(value, value.len - 36, 36, &tail))
        return false;
    unsigned long crc = crc32(0, tail.ptr, 30);
    for (size_t i = 36; i > 30; i--, crc /= 62)
        if (tail.ptr[i - 1] != (uint8_t)digits[crc % 62])
            return false;
    return true;
}

/* "T3BlbkFJ" is "OpenAI" in base64; every key of theirs has it in the middle. */
static bool openai_holds(struct span value)
{
    return memmem(value.ptr, value.len, "T3BlbkFJ", 8) != NULL && secret_is_disordered(value);
}

/* The number behind AKIA and ASIA is base 32; the examples of the documentation say that they are. */
static bool aws_holds(struct span value)
{
    for (size_t i = 4; i < value.len; i++)
        if (strchr("0189", value.ptr[i]))
            return false;
    return !secret_is_placeholder(value) && memmem(value.ptr, value.len, "AAAA", 4) == NULL;
}

static bool has_caps_and_small(struct span value)
{
    bool caps = false, small = false;
    for (size_t i = 0; i < value.len; i++) {
        caps |= value.ptr[i] >= 'A' && value.ptr[i] <= 'Z';
        small |= value.ptr[i] >= 'a' && value.ptr[i] <= 'z';
    }
    return caps && small;
}

/* "hf_" begins names of functions too: those are of one case. */
static bool hf_holds(struct span value)
{
    struct span rest = value;
    span_skip(&rest, 3);
    return has_caps_and_small(rest) && !secret_is_placeholder(rest);
}

/* At least one of the claims that RFC 7519, section 4.1, registers: who, for whom, until when. */
static bool has_claim(const uint8_t *json, size_t len)
{
    static const char *const names[] = {"\"iss\"", "\"sub\"", "\"aud\"", "\"exp\"", "\"iat\"", "\"jti\""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (memmem(json, len, names[i], 5))
            return true;
    return false;
}

static bool decodes_to_json(struct span text, uint8_t *room, size_t size, size_t *len)
{
    size_t end;
    *len = secret_base64(text, 0, room, size, &end);
    return end == text.len && *len > 8 && room[0] == '{' && room[*len - 1] == '}';
}

/* RFC 7519: two objects in base64url, and a signature. An unsigned one is nobody's proof; "John Doe", subject
 * 1234567890, is the one that everybody prints. */
static bool jwt_holds(struct span value)
{
    struct span header, claims, signature = value;
    uint8_t room[4096];
    size_t len;
    if (!span_take_until(&signature, '.', &header) || !span_take_until(&signature, '.', &claims) ||
        signature.len < 32 || memchr(signature.ptr, '.', signature.len))
        return false;
    if (!decodes_to_json(header, room, sizeof room, &len) || !memmem(room, len, "\"alg\"", 5))
        return false;
    if (!decodes_to_json(claims, room, sizeof room, &len))
        return false;
    return has_claim(room, len) && !memmem(room, len, "1234567890", 10) && !memmem(room, len, "John Doe", 8);
}

static void bech32_add(uint32_t *check, uint32_t digit)
{
    static const uint32_t generators[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    uint32_t top = *check >> 25;
    *check = (*check & 0x1ffffff) << 5 ^ digit;
    for (size_t i = 0; i < ARRAY_LEN(generators); i++)
        *check ^= top >> i & 1 ? generators[i] : 0;
}

/* Bech32 (BIP 173): the last six characters are a checksum over the rest, and over what stands before the last 1. */
static bool age_holds(struct span value)
{
    static const char alphabet[] = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", human[] = "age-secret-key-";
    uint32_t check = 1;
    for (size_t i = 0; human[i]; i++)
        bech32_add(&check, (uint32_t)human[i] >> 5);
    bech32_add(&check, 0);
    for (size_t i = 0; human[i]; i++)
        bech32_add(&check, (uint32_t)human[i] & 31);
    for (size_t i = sizeof human; i < value.len; i++) {
        const char *place = strchr(alphabet, value.ptr[i]);
        if (!place)
            return false;
        bech32_add(&check, (uint32_t)(place - alphabet));
    }
    return check == 1;
}

static const struct form FORMS[] = {
    {"AKIA", "a key of AWS", SET_UPPER | SET_DIGIT, 16, 16, aws_holds, false},
    {"ASIA", "a key of AWS", SET_UPPER | SET_DIGIT, 16, 16, aws_holds, false},
    {"ABSK", "a key of AWS Bedrock", SET_ALNUM | SET_BASE64, 100, 280, NULL, false},
    {"ghp_", "a token of GitHub", SET_ALNUM, 36, 36, crc_holds, true},
    {"gho_", "a token of GitHub", SET_ALNUM, 36, 36, crc_holds, true},
    {"ghu_", "a token of GitHub", SET_ALNUM, 36, 36, crc_holds, true},
    {"ghs_", "a token of GitHub", SET_ALNUM, 36, 36, crc_holds, true},
    {"ghr_", "a token of GitHub", SET_ALNUM, 36, 36, crc_holds, true},
    {"github_pat_", "a token of GitHub", SET_ALNUM | SET_UNDER, 82, 82, NULL, false},
    {"glpat-", "a token of GitLab", SET_URL | SET_DOT, 20, 64, NULL, false},
    {"gldt-", "a token of GitLab", SET_URL, 20, 64, NULL, false},
    {"glrt-", "a token of GitLab", SET_URL, 20, 64, NULL, false},
    {"glcbt-", "a token of GitLab", SET_URL, 20, 64, NULL, false},
    {"glptt-", "a token of GitLab", SET_URL, 20, 64, NULL, false},
    {"xoxb-", "a token of Slack", SET_ALNUM | SET_DASH, 24, 250, NULL, false},
    {"xoxp-", "a token of Slack", SET_ALNUM | SET_DASH, 24, 250, NULL, false},
    {"xoxa-", "a token of Slack", SET_ALNUM | SET_DASH, 24, 250, NULL, false},
    {"xoxr-", "a token of Slack", SET_ALNUM | SET_DASH, 24, 250, NULL, false},
    {"xoxs-", "a token of Slack", SET_ALNUM | SET_DASH, 24, 250, NULL, false},
    {"xapp-", "a token of Slack", SET_ALNUM | SET_DASH, 24, 250, NULL, false},
    {"hooks.slack.com/services/T", "a web hook of Slack", SET_ALNUM | SET_BASE64, 40, 60, NULL, false},
    {"npm_", "a token of npm", SET_ALNUM, 36, 36, crc_holds, true},
    {"pypi-AgEIcHlwaS5vcmc", "a token of PyPI", SET_URL, 50, 1000, NULL, false},
    {"pypi-AgENdGVzdC5weXBpLm9yZw", "a token of PyPI", SET_URL, 50, 1000, NULL, false},
    {"hf_", "a token of Hugging Face", SET_ALNUM, 34, 40, hf_holds, false},
    {"api_org_", "a token of Hugging Face", SET_ALNUM, 34, 34, NULL, false},
    {"sk-ant-", "a key of Anthropic", SET_URL, 80, 140, NULL, false},
    {"sk-or-v1-", "a key of OpenRouter", SET_ALNUM, 64, 64, NULL, false},
    {"sk-", "a key of OpenAI", SET_URL, 40, 250, openai_holds, false},
    {"AIza", "a key of Google", SET_URL, 35, 35, NULL, false},
    {"GOCSPX-", "a client secret of Google", SET_URL, 28, 28, NULL, false},
    {"ya29.", "a token of Google", SET_URL, 40, 1000, NULL, false},
    {"AccountKey=", "a storage key of Azure", SET_ALNUM | SET_BASE64, 88, 88, NULL, false},
    {"SharedAccessKey=", "an access key of Azure", SET_ALNUM | SET_BASE64, 44, 44, NULL, false},
    {"sk_live_", "a key of Stripe", SET_ALNUM, 24, 250, NULL, false},
    {"rk_live_", "a key of Stripe", SET_ALNUM, 24, 250, NULL, false},
    {"whsec_", "a key of Stripe", SET_ALNUM | SET_BASE64, 32, 64, NULL, false},
    {"SG.", "a key of SendGrid", SET_URL | SET_DOT, 66, 66, NULL, false},
    {"dop_v1_", "a token of DigitalOcean", SET_HEX, 64, 64, NULL, false},
    {"dapi", "a token of Databricks", SET_HEX, 32, 32, NULL, false},
    {"hvs.", "a token of Vault", SET_URL, 24, 300, NULL, false},
    {"gsk_", "a key of Groq", SET_ALNUM, 52, 52, NULL, false},
    {"r8_", "a token of Replicate", SET_URL, 37, 37, NULL, false},
    {"xai-", "a key of xAI", SET_ALNUM, 80, 80, NULL, false},
    {"dckr_pat_", "a token of Docker Hub", SET_URL, 27, 32, NULL, false},
    {"dckr_oat_", "a token of Docker Hub", SET_URL, 27, 32, NULL, false},
    {"shpat_", "a token of Shopify", SET_ALNUM, 32, 32, NULL, false},
    {"rubygems_", "a key of RubyGems", SET_HEX, 48, 48, NULL, false},
    {"glsa_", "a token of Grafana", SET_ALNUM | SET_UNDER, 41, 41, NULL, false},
    {"lin_api_", "a key of Linear", SET_ALNUM, 40, 40, NULL, false},
    {"ATATT3xFfGF0", "a token of Atlassian", SET_URL | SET_BASE64, 150, 250, NULL, false},
    {"NRAK-", "a key of New Relic", SET_UPPER | SET_DIGIT, 27, 27, NULL, false},
    {"tskey-auth-", "a key of Tailscale", SET_ALNUM | SET_DASH, 24, 80, NULL, false},
    {"AGE-SECRET-KEY-1", "a secret key of age", SET_UPPER | SET_DIGIT, 58, 58, age_holds, true},
    {"eyJ", "a signed token (JWT)", SET_URL | SET_DOT, 60, 8192, jwt_holds, true},
};

void secret_token_prefixes(void (*put)(void *arg, const char *prefix), void *arg)
{
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++)
        put(arg, FORMS[i].prefix);
}

static size_t run_of(const struct form *f, struct span text, size_t at)
{
    if (f->set != SET_HEX)
        return secret_run(text, at, f->set, f->most + 1U);
    size_t n = 0;
    while (n <= f->most && at + n < text.len && text.ptr[at + n] && strchr("0123456789abcdef", text.ptr[at + n]))
        n++;
    return n;
}

/* A full stop behind a token ends a sentence. */
static size_t without_stop(struct span text, size_t at, size_t len)
{
    while (len > 0 && text.ptr[at + len - 1] == '.')
        len--;
    return len;
}

/* Inside of a longer word nothing begins; behind the "\\n" of JSON it does. */
static bool begins_word(const struct form *f, struct span text, size_t at)
{
    unsigned set = (f->set & (SET_DASH | SET_DOT)) | SET_ALNUM | SET_UNDER;
    if (at == 0 || !secret_in_set(text.ptr[at - 1], set))
        return true;
    return at > 1 && text.ptr[at - 2] == '\\' && strchr("nrt", text.ptr[at - 1]);
}

static bool try_form(const struct form *f, struct span text, size_t at, struct secret *out)
{
    size_t head = strlen(f->prefix), len = without_stop(text, at + head, run_of(f, text, at + head));
    struct span whole = span_of(text.ptr + at, head + len), rest = span_of(text.ptr + at + head, len);
    size_t end = at + head + len;
    if (len < f->least || len > f->most)
        return false;
    if (end < text.len && secret_in_set(text.ptr[end], SET_ALNUM)) /* longer than any of its kind */
        return false;
    if (f->check ? !f->check(whole) : !secret_is_disordered(rest))
        return false;
    *out = (struct secret){.rule = "secret-token",
                           .kind = f->kind,
                           .weight = SECRET_SURE,
                           .known = true,
                           .checked = f->checked,
                           .shown = span_of(whole.ptr, 4 < head ? 4 : head),
                           .len = whole.len,
                           .end = end};
    return true;
}

bool secret_token_at(struct span text, size_t at, struct secret *out)
{
    struct span rest;
    span_slice(text, at, text.len - at, &rest);
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++) {
        const struct form *f = &FORMS[i];
        if (rest.len < 2 || rest.ptr[0] != (uint8_t)f->prefix[0] || rest.ptr[1] != (uint8_t)f->prefix[1])
            continue; /* said before the call: nearly always */
        if (span_starts(rest, span_str(f->prefix)) && begins_word(f, text, at) && try_form(f, text, at, out))
            return true;
    }
    return false;
}
