#include "parse/personal_numbers.h"

#include <string.h>

#include "util/auto.h"

static unsigned digit(struct span s, size_t i)
{
    return (unsigned)s.ptr[i] - '0';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_capital(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool all_digits(struct span s, size_t from, size_t len)
{
    if (from + len > s.len)
        return false;
    for (size_t i = from; i < from + len; i++)
        if (!is_digit(s.ptr[i]))
            return false;
    return true;
}

static bool one_of(struct span s, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal_str(s, list[i]))
            return true;
    return false;
}

/* Digits of one kind or counting up: what people type who need a number. */
static bool is_typed(struct span s)
{
    size_t same = 1, up = 1;
    for (size_t i = 1; i < s.len; i++) {
        same += s.ptr[i] == s.ptr[0];
        up += s.ptr[i] == (s.ptr[i - 1] == '9' ? '0' : s.ptr[i - 1] + 1);
    }
    return same == s.len || up == s.len;
}

static unsigned weighted(struct span s, const uint8_t *weights, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += digit(s, i) * weights[i];
    return sum;
}

/* ── accounts and cards ── */

bool personal_is_iban(struct span text)
{
    /* the registry of ISO 13616: country and length */
    static const char countries[] =
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23"
        "GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30NL18"
        "NO15PK24PL28PS29PT25QA29RO24RS22RU33SA24SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20";
    static const char *const examples[] = {"DE89370400440532013000",      "GB82WEST12345698765432",
                                           "GB29NWBK60161331926819",      "GB33BUKB20201555555555",
                                           "FR1420041010050500013M02606", "NL91ABNA0417164300",
                                           "FR7630006000011234567890189", "ES9121000418450200051332",
                                           "CH9300762011623852957",       "BE68539007547034",
                                           "AT611904300234573201",        "IT60X0542811101000000123456",
                                           "DE75512108001245126199",      "PL61109010140000071219812874"};
    unsigned rest = 0;
    bool known = false;
    for (size_t i = 0; i + 4 < sizeof countries; i += 4)
        known |= text.len > 4 && memcmp(text.ptr, countries + i, 2) == 0 &&
                 text.len == (size_t)(countries[i + 2] - '0') * 10 + (size_t)(countries[i + 3] - '0');
    if (!known || !all_digits(text, 2, 2) || one_of(text, examples, ARRAY_LEN(examples)))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[(i + 4) % text.len]; /* the first four go to the end */
        if (!is_digit(c) && !is_capital(c))
            return false;
        rest = is_digit(c) ? (rest * 10 + c - '0') % 97 : (rest * 100 + c - 'A' + 10) % 97;
    }
    return rest == 1;
}

static bool luhn(struct span s)
{
    unsigned sum = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned d = digit(s, s.len - 1 - i);
        d = i % 2 ? d * 2 : d;
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

bool personal_is_card(struct span digits)
{
    static const struct {
        unsigned from, to; /* the first four digits */
        uint8_t least, most;
    } issuers[] = {{2200, 2204, 16, 19}, {2221, 2720, 16, 16}, {3000, 3059, 14, 14}, {3400, 3499, 15, 15},
                   {3528, 3589, 16, 19}, {3600, 3699, 14, 14}, {3700, 3799, 15, 15}, {3800, 3999, 14, 14},
                   {4000, 4999, 13, 19}, {5018, 5018, 16, 19}, {5020, 5038, 16, 19}, {5100, 5599, 16, 16},
                   {6011, 6011, 16, 19}, {6200, 6299, 16, 19}, {6440, 6599, 16, 19}, {6759, 6763, 16, 19}};
    /* of the payment processors' manuals */
    static const char *const tests[] = {"4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556",
                                        "5555555555554444", "5105105105105100", "2223003122003222", "378282246310005",
                                        "371449635398431",  "378734493671000",  "6011111111111117", "6011000990139424",
                                        "30569309025904",   "38520000023237",   "3530111333300000", "3566002020360505",
                                        "4000000000000002", "5200828282828210", "4917610000000000", "4000002500003155"};
    if (digits.len < 13 || digits.len > 19 || !all_digits(digits, 0, digits.len))
        return false;
    unsigned first = digit(digits, 0) * 1000 + digit(digits, 1) * 100 + digit(digits, 2) * 10 + digit(digits, 3);
    bool issued = false;
    for (size_t i = 0; i < ARRAY_LEN(issuers); i++)
        issued |= first >= issuers[i].from && first <= issuers[i].to && digits.len >= issuers[i].least &&
                  digits.len <= issuers[i].most;
    return issued && luhn(digits) && !is_typed(digits) && !one_of(digits, tests, ARRAY_LEN(tests));
}

/* ── numbers of states ── */

/* Germany, Identifikationsnummer: modulo 11, 10 (ISO 7064); one digit of the first ten stands twice or three times. */
static bool is_german(struct span s)
{
    unsigned counts[10] = {0}, product = 10, twice = 0, more = 0;
    if (s.len != 11 || s.ptr[0] == '0')
        return false;
    for (size_t i = 0; i < 10; i++) {
        unsigned sum = (digit(s, i) + product) % 10;
        product = (sum ? sum : 10) * 2 % 11;
        counts[digit(s, i)]++;
    }
    for (size_t i = 0; i < 10; i++) {
        twice += counts[i] == 2 || counts[i] == 3;
        more += counts[i] > 3;
    }
    return twice == 1 && more == 0 && (11 - product) % 10 == digit(s, 10);
}

/* Poland, PESEL: a date with the century in the month, weights 1 3 7 9. */
static bool is_polish(struct span s)
{
    static const uint8_t weights[] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1};
    if (s.len != 11)
        return false;
    unsigned month = (digit(s, 2) * 10 + digit(s, 3)) % 20, day = digit(s, 4) * 10 + digit(s, 5);
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && weighted(s, weights, 11) % 10 == 0;
}

/* Netherlands, BSN: eleven-test, the last digit counts against. */
static bool is_dutch(struct span s)
{
    static const uint8_t weights[] = {9, 8, 7, 6, 5, 4, 3, 2};
    return s.len == 9 && s.ptr[0] != '9' && (weighted(s, weights, 8) + 11 - digit(s, 8)) % 11 == 0;
}

/* France, NIR: sex, year, month, place; 97 minus the number modulo 97 (Corsica's 2A and 2B are 19 and 18). */
static bool is_french(struct span s)
{
    uint64_t number = 0;
    if (s.len != 15 || (s.ptr[0] != '1' && s.ptr[0] != '2') || !all_digits(s, 0, 6) || !all_digits(s, 7, 8))
        return false;
    unsigned month = digit(s, 3) * 10 + digit(s, 4);
    bool corsica = s.ptr[6] == 'A' || s.ptr[6] == 'B';
    if (month < 1 || month > 12 || (!is_digit(s.ptr[6]) && !corsica))
        return false;
    for (size_t i = 0; i < 13; i++) {
        unsigned d = corsica && i == 5 ? 1 : corsica && i == 6 ? (s.ptr[6] == 'A' ? 9 : 8) : digit(s, i);
        number = number * 10 + d;
    }
    return 97 - number % 97 == digit(s, 13) * 10 + digit(s, 14);
}

/* Russia, SNILS: weights 9 to 1, modulo 101; INN of a person: two check digits. */
static bool is_snils(struct span s)
{
    static const uint8_t weights[] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    return s.len == 11 && weighted(s, weights, 9) % 101 % 100 == digit(s, 9) * 10 + digit(s, 10);
}

static bool is_inn(struct span s)
{
    static const uint8_t first[] = {7, 2, 4, 10, 3, 5, 9, 4, 6, 8}, second[] = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
    return s.len == 12 && weighted(s, first, 10) % 11 % 10 == digit(s, 10) &&
           weighted(s, second, 11) % 11 % 10 == digit(s, 11);
}

/* United States, SSN: no check digit, but numbers that were never given out; the ones of advertisements. */
static bool is_american(struct span s)
{
    static const char *const famous[] = {"123456789", "078051120", "219099999", "987654321"};
    if (s.len != 9 || one_of(s, famous, ARRAY_LEN(famous)) || is_typed(s))
        return false;
    unsigned area = digit(s, 0) * 100 + digit(s, 1) * 10 + digit(s, 2);
    return area != 0 && area != 666 && area < 900 && (s.ptr[3] != '0' || s.ptr[4] != '0') &&
           memcmp(s.ptr + 5, "0000", 4) != 0;
}

/* Spain, DNI and NIE: the number modulo 23 chooses the letter. */
static bool is_spanish(struct span s)
{
    static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
    unsigned number = 0;
    if (s.len != 9 || !all_digits(s, 1, 7) || is_typed(span_of(s.ptr, 8)))
        return false;
    if (is_digit(s.ptr[0]))
        number = digit(s, 0);
    else if (s.ptr[0] >= 'X' && s.ptr[0] <= 'Z')
        number = (unsigned)s.ptr[0] - 'X';
    else
        return false;
    for (size_t i = 1; i < 8; i++)
        number = number * 10 + digit(s, i);
    return s.ptr[8] == (uint8_t)letters[number % 23] && number != 12345678;
}

/* United Kingdom, NINO: prefixes that are given out, a suffix from A to D; no check digit. */
static bool is_british(struct span s)
{
    static const char *const never[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ", "QQ"};
    struct span prefix;
    return s.len == 9 && span_slice(s, 0, 2, &prefix) && is_capital(s.ptr[0]) && is_capital(s.ptr[1]) &&
           !strchr("DFIQUV", s.ptr[0]) && !strchr("DFIOQUV", s.ptr[1]) && !one_of(prefix, never, ARRAY_LEN(never)) &&
           all_digits(s, 2, 6) && s.ptr[8] >= 'A' && s.ptr[8] <= 'D' && !is_typed(span_of(s.ptr + 2, 6));
}

/* Italy, codice fiscale: six letters, year, month, day, place; odd places count by a table (D.M. 23 December 1976). */
static bool is_italian(struct span s)
{
    static const char shape[] = "LLLLLLDDLDDLDDDL", months[] = "ABCDEHLMPRST";
    static const uint8_t odd[] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                  20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    unsigned sum = 0;
    if (s.len != 16 || !strchr(months, s.ptr[8]) || s.ptr[8] == '\0')
        return false;
    for (size_t i = 0; i < 16; i++)
        if (shape[i] == 'L' ? !is_capital(s.ptr[i]) : !is_digit(s.ptr[i]))
            return false;
    for (size_t i = 0; i < 15; i++) {
        unsigned place = is_digit(s.ptr[i]) ? digit(s, i) : (unsigned)s.ptr[i] - 'A';
        sum += i % 2 ? place : odd[place];
    }
    return s.ptr[15] == 'A' + sum % 26 && memcmp(s.ptr, "RSSMRA", 6) != 0; /* Mario Rossi is everybody's example */
}

#define AFTER(n) (1U << ((n)-1)) /* a separator behind the n-th character */

enum personal_context personal_national(struct span text, uint32_t grouped, const char **words)
{
    bool digits = all_digits(text, 0, text.len);
    *words = "";
    if (is_italian(text))
        return PERSONAL_WITHOUT;
    if (text.len == 15 && !(digits && is_typed(text)) && is_french(text))
        return PERSONAL_WITHOUT;
    if (is_spanish(text)) {
        *words = "dni|nie|nif|documento";
        return PERSONAL_WITH;
    }
    if (is_british(text)) {
        *words = "nino|national insurance|ni number|ni no";
        return grouped == (AFTER(2) | AFTER(4) | AFTER(6) | AFTER(8)) ? PERSONAL_WITHOUT : PERSONAL_WITH;
    }
    if (!digits || text.len < 9 || is_typed(text))
        return PERSONAL_NEVER;
    if (text.len == 11 && is_snils(text) && grouped == (AFTER(3) | AFTER(6) | AFTER(9)))
        return PERSONAL_WITHOUT;
    if (is_american(text) && grouped == (AFTER(3) | AFTER(5))) {
        *words = "ssn|social security|social_security|socialsecurity";
        return PERSONAL_WITH;
    }
    *words = is_dutch(text)    ? "bsn|burgerservice|sofinummer"
             : is_german(text) ? "steuer|idnr|id-nr|tin|tax id"
             : is_polish(text) ? "pesel"
             : is_snils(text)
                 ? "snils|\xd1\x81\xd0\xbd\xd0\xb8\xd0\xbb\xd1\x81|\xd0\xa1\xd0\x9d\xd0\x98\xd0\x9b\xd0\xa1"
             : is_inn(text) ? "inn|\xd0\xb8\xd0\xbd\xd0\xbd|\xd0\x98\xd0\x9d\xd0\x9d"
                            : "";
    return (*words)[0] ? PERSONAL_WITH : PERSONAL_NEVER;
}

/* ── passports ── */

/* Weights 7 3 1; letters are 10 to 35, the filler is 0. */
static bool mrz_field(struct span line, size_t from, size_t len)
{
    static const unsigned weights[] = {7, 3, 1};
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = line.ptr[from + i];
        sum += weights[i % 3] * (is_digit(c) ? c - (unsigned)'0' : is_capital(c) ? c - 'A' + 10U : 0U);
    }
    return is_digit(line.ptr[from + len]) && sum % 10 == (unsigned)line.ptr[from + len] - '0';
}

static bool is_mrz_line(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (!is_digit(line.ptr[i]) && !is_capital(line.ptr[i]) && line.ptr[i] != '<')
            return false;
    return true;
}

/* The line end of a text, or of a text inside JSON. */
static bool skip_line_end(struct span *s)
{
    return span_take_prefix(s, SPAN_LIT("\r\n")) || span_take_prefix(s, SPAN_LIT("\n")) ||
           span_take_prefix(s, SPAN_LIT("\\n")) || span_take_prefix(s, SPAN_LIT("\\r\\n"));
}

bool personal_is_mrz(struct span text)
{
    static const size_t lengths[] = {44, 36};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct span rest = text, first, second;
        if (!span_take(&rest, lengths[i], &first) || !skip_line_end(&rest) || !span_take(&rest, lengths[i], &second) ||
            !is_mrz_line(first) || !is_mrz_line(second) || (first.ptr[1] != '<' && !is_capital(first.ptr[1])))
            continue;
        /* UTO, "Utopia", is the country of the standard's examples */
        if (mrz_field(second, 0, 9) && mrz_field(second, 13, 6) && mrz_field(second, 21, 6) &&
            memcmp(first.ptr + 2, "UTO", 3) != 0)
            return true;
    }
    return false;
}
