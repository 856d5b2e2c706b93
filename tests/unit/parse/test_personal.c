/* Data of people in texts: numbers with right check digits are found and wrong ones are not, examples of manuals are
 * nobody's, addresses and phone numbers count when there are many, and nothing that was found is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "look.h"
#include "parse/personal.h"

struct row {
    const char *text, *rule; /* "": nothing */
};

static void assert_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        auto_look l = look_named(span_str(rows[i].text), "notes.txt");
        bool right = rows[i].rule[0] ? look_has(&l, rows[i].rule) : l.rules[0] == '\0';
        if (!right || verdict_blocks(l.verdict) != (rows[i].rule[0] != '\0'))
            fail_msg("%s: \"%s\" (%s)", rows[i].text, l.rules, verdict_name(l.verdict));
    }
}

static void numbers_with_right_check_digits_block(void **state)
{
    static const struct row rows[] = {
        {"Pay to DE51 1005 0000 1234 5678 97 today\n", "personal-iban"},
        {"iban,NL63INGB0001234569,x\n", "personal-iban"},
        {"IBAN FR76 3000 4000 0312 3456 7890 143\n", "personal-iban"},
        {"paid with 4539 1488 0343 6467 12/27\n", "personal-card"},
        {"paid with 4539-1488-0343-6467.\n", "personal-card"},
        {"{\"card_number\": \"4539148803436467\"}\n", "personal-card"},
        {"Steuer-ID: 86095742719\n", "personal-number"},
        {"IdNr 86 095 742 719\n", "personal-number"},
        {"PESEL 85031284735\n", "personal-number"},
        {"NIR 1 85 03 78 006 084 59\n", "personal-number"},
        {"n\xc2\xb0 185037800608459\n", "personal-number"},
        {"mi DNI es 48273915C\n", "personal-number"},
        {"NIE: X4827391J\n", "personal-number"},
        {"{\"userBsn\": 482739150}\n", "personal-number"},
        {"codice BNCLRA85C52H501S\n", "personal-number"},
        {"\xd0\xa1\xd0\x9d\xd0\x98\xd0\x9b\xd0\xa1 482-739-156 24\n", "personal-number"},
        {"\xd0\x98\xd0\x9d\xd0\x9d 772748273908\n", "personal-number"},
        {"SSN: 512-48-2739\n", "personal-number"},
        {"NI number AB 48 27 39 C\n", "personal-number"},
        {"P<DEUBERG<<ANNA<<<<<<<<<<<<<<<<<<<<<<<<<<<<<\nC4X27K9L11DEU8503127F3105113<<<<<<<<<<<<<<00\n",
         "personal-passport"},
    };
    (void)state;
    assert_rows(rows, ARRAY_LEN(rows));
}

static void wrong_ones_and_numbers_of_other_kinds_are_nothing(void **state)
{
    static const struct row rows[] = {
        {"Pay to DE52 1005 0000 1234 5678 97\n", ""},
        {"paid with 4539 1488 0343 6468\n", ""},
        {"order 4539148803436467 was sent\n", ""},
        {"id 86095742719 or 85031284735 or 482739150\n", ""},
        {"Steuer-ID: 86095742718\n", ""},
        {"codice BNCLRA85C52H501T\n", ""},
        {"midnight 48273915C\n", ""},
        {"2001 2002 2003 2004 4539 1488 0343 6467 2005 2006\n", ""},
        {"timestamp 1700000000000 sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n", ""},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25\n", ""},
        {"512-48-2739 is a part number\n", ""},
        {"SSN: 000-12-3456, 666-12-3456, 923-12-3456, 512-00-2739, 512-48-0000\n", ""},
        {"P<DEUBERG<<ANNA<<<<<<<<<<<<<<<<<<<<<<<<<<<<<\nC4X27K9L12DEU8503127F3105113<<<<<<<<<<<<<<00\n", ""},
    };
    (void)state;
    assert_rows(rows, ARRAY_LEN(rows));
}

static void examples_of_manuals_are_nobodys(void **state)
{
    static const struct row rows[] = {
        {"DE89 3704 0044 0532 0130 00 and GB82 WEST 1234 5698 7654 32\n", ""},
        {"4111 1111 1111 1111, 4242424242424242 (card), 5555-5555-5555-4444, 3782 822463 10005\n", ""},
        {"SSN: 123-45-6789, 078-05-1120\n", ""},
        {"DNI 12345678Z, codice RSSMRA85T10A562S\n", ""},
    };
    (void)state;
    assert_rows(rows, ARRAY_LEN(rows));
}

static void addresses_block_when_there_are_many(void **state)
{
    auto_buf few = BUF(65536), many = BUF(65536), same = BUF(65536);
    (void)state;
    for (unsigned i = 0; i < PERSONAL_EMAILS; i++) {
        if (i + 1 < PERSONAL_EMAILS)
            buf_printf(&few, "anna.berg%u@mail.kunde.de, ", i);
        buf_printf(&many, "anna.berg%u@mail.kunde.de\n", i);
        buf_add_str(&same, "anna.berg@mail.kunde.de\n");
    }
    auto_look f = look_named(buf_span(&few), "a.txt"), m = look_named(buf_span(&many), "a.txt");
    auto_look s = look_named(buf_span(&same), "a.txt"), authors = look_named(buf_span(&many), "AUTHORS");
    assert_true(look_has(&f, "personal-email"));
    assert_int_equal(f.verdict, VERDICT_CLEAN);
    assert_int_equal(m.verdict, VERDICT_SUSPICIOUS);
    assert_int_equal(s.verdict, VERDICT_CLEAN);
    assert_string_equal(authors.rules, "");
}

static void addresses_that_are_nobodys_are_nothing(void **state)
{
    static const struct row rows[] = {
        {"me@example.com you@x.example noreply@kunde.de git@forge.org:a/b icon@2x.png user@host @decorator a@b\n", ""},
        {"version 1.2.3.4, 10.0.0.1, 192.168.1.1, 203.0.113.9\n", ""},
        {"+1 (555) 123-4567, +1 212 555 0123, 2+3456789\n", ""},
    };
    (void)state;
    assert_rows(rows, ARRAY_LEN(rows));
}

static void phone_numbers_and_machines_block_when_there_are_many(void **state)
{
    auto_buf phones = BUF(65536), machines = BUF(65536), one = BUF(64);
    (void)state;
    for (unsigned i = 0; i < PERSONAL_PHONES; i++)
        buf_printf(&phones, "Tel. +49 30 48273%02u\n", 10 + i);
    for (unsigned i = 0; i < PERSONAL_IPS; i++)
        buf_printf(&machines, "84.17.%u.9 GET /\n", i);
    buf_add_str(&one, "Tel. +49 30 4827391, 84.17.3.9\n");
    auto_look p = look_named(buf_span(&phones), "a.csv"), m = look_named(buf_span(&machines), "a.txt");
    auto_look few = look_named(buf_span(&one), "a.txt");
    assert_true(look_has(&p, "personal-phone"));
    assert_int_equal(p.verdict, VERDICT_SUSPICIOUS);
    assert_true(look_has(&m, "personal-ip"));
    assert_int_equal(m.verdict, VERDICT_SUSPICIOUS);
    assert_true(look_has(&few, "personal-phone"));
    assert_int_equal(few.verdict, VERDICT_CLEAN);
}

static void prompts_tests_and_data_are_asked_and_systems_are_not(void **state)
{
    static const char text[] = "{\"q\": \"Pay to DE51100500001234567897\"}\n";
    struct inspect_options stands = {.name = "a.txt", .stands = true}, system = {.name = "a.txt", .system = true};
    auto_look lines = look_named(span_str(text), "data.jsonl"), suite = look_named(span_str(text), "suite.yaml");
    auto_look config = look_named(span_str(text), "config.json");
    auto_look package = look_at(span_str(text), &stands), layer = look_at(span_str(text), &system);
    (void)state;
    assert_true(look_has(&lines, "personal-iban"));
    assert_true(look_has(&suite, "personal-iban"));
    assert_string_equal(config.rules, "");
    assert_string_equal(package.rules, "");
    assert_string_equal(layer.rules, "");
}

static void no_finding_says_the_value(void **state)
{
    (void)state;
    auto_look l = look_named(SPAN_LIT("\n\nIBAN DE51 1005 0000 1234 5678 97, anna.berg@mail.kunde.de\n"), "a.txt");
    auto_free char *all = json_dumps(l.reply, 0);
    assert_non_null(all);
    assert_true(look_has(&l, "personal-iban"));
    assert_non_null(strstr(all, "line 3"));
    assert_null(strstr(all, "1005"));
    assert_null(strstr(all, "berg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_with_right_check_digits_block),
        cmocka_unit_test(wrong_ones_and_numbers_of_other_kinds_are_nothing),
        cmocka_unit_test(examples_of_manuals_are_nobodys),
        cmocka_unit_test(addresses_block_when_there_are_many),
        cmocka_unit_test(addresses_that_are_nobodys_are_nothing),
        cmocka_unit_test(phone_numbers_and_machines_block_when_there_are_many),
        cmocka_unit_test(prompts_tests_and_data_are_asked_and_systems_are_not),
        cmocka_unit_test(no_finding_says_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
