/* Jinja: what parses and what does not, with its place; what chat templates may do; every way that we know of past the
 * rules, by what it spells. */
#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/jinja_parse.h"

static void whole(const char *text)
{
    auto_jinja j = {0};
    if (!jinja_parse(&j, span_str(text)))
        fail_msg("%s: %s", text, j.problem);
}

static void broken(const char *text)
{
    auto_jinja j = {0};
    if (jinja_parse(&j, span_str(text)))
        fail_msg("%s: parses", text);
}

static void what_jinja_reads_parses(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "{{ x }}}",
        "{{{'a': {'b': 1}}['a']['b']}}",
        "{{ 'a' 'b' \"c\" }}",
        "{{ x.0.1.y[1:2:3, ::-1] }}",
        "{{ -x ** 2 // 3 % 4 ~ 'a' if not a in b and c not in d else e if f }}",
        "{{ x is not none and y is divisibleby 3 and z is in [1] }}",
        "{{ f(a, *b, k=1, **c) | g | h('i') | j.k }}",
        "{{ 1_000 + 0x1f + 0b1 + 0o7 + 1.5e3 + 1e-3 + 00 }}",
        "{% for if in in %}{{ if }}{% endfor %}",
        "{% for a, b in c if a recursive %}{% break %}{% continue %}{% else %}{% endfor %}",
        "{%- if a: -%}{% elif b %}{% else %}{%+ endif +%}",
        "{% set a, (b, c) = d %}{% set ns.x = 1 %}{% set t | trim %}x{% endset %}",
        "{% macro m(a, b=1) %}{{ caller(a) }}{% endmacro %}{% call(x) m(1) %}{% endcall %}",
        "{% filter upper | trim %}x{% endfilter %}{% with a = 1, b = 2 %}{% endwith %}",
        "{% raw %}{{ {% #} {% endraw %}{# {{ #}{% generation %}x{% endgeneration %}{% print 1, 2 %}",
        "{% include 'a' ignore missing with context %}{% from 'a' import b as c, d %}{% import 'a' as b %}",
        "{% extends 'a' %}{% block b scoped %}{% endblock b %}{% autoescape true %}{% endautoescape %}",
        "{{ () }}{{ (1,) }}{{ [] }}{{ {} }}{{ [1,] }}{{ {'a': 1,} }}",
        "{{ x[] }}",
        "{{ '\\\n' }}{{ '\\d\\x41\\u00e9\\U0001f600\\101' }}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        whole(texts[i]);
}

static void what_jinja_refuses_does_not_parse(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{{ x",
        "{{ 'x }}",
        "{{ }}",
        "{{ x y }}",
        "{{ (x }}",
        "{{ x) }}",
        "{{ [x} }}",
        "{{ 1x }}",
        "{{ a ! b }}",
        "{{ a & b }}",
        "{{ 007 }}",
        "{{ x is }}",
        "{{ x is a is b }}",
        "{{ f(a=1, b) }}",
        "{{ f(**a, b=1) }}",
        "{{ f(*a, b) }}",
        "{{ x.'y' }}",
        "{{ {'a'} }}",
        "{{ '\\x5' }}",
        "{{ \xe2\x80\x98text\xe2\x80\x99 }}",
        "{% %}",
        "{% do x %}",
        "{% debug %}",
        "{% if %}{% endif %}",
        "{% if a %}",
        "{% endif %}",
        "{% for %}{% endfor %}",
        "{% for a b in c %}{% endfor %}",
        "{% for a, in c %}{% endfor %}",
        "{% if a %}{% endfor %}",
        "{% set 42 = a %}",
        "{% set none = a %}",
        "{% set a.b.c = 1 %}",
        "{% set a[0] = 1 %}",
        "{% break %}",
        "{% macro m(a=1, b) %}{% endmacro %}",
        "{% macro m(1) %}{% endmacro %}",
        "{% call x %}{% endcall %}",
        "{% raw %}",
        "{# x",
        "{% include %}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        broken(texts[i]);
}

static void what_does_not_parse_has_a_line_and_a_column(void **state)
{
    (void)state;
    auto_look l = look_named(SPAN_LIT("{% if a %}\n\n  {{ x ! }}{% endif %}"), "t.jinja");
    assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
    assert_non_null(strstr(l.rules, "template-syntax@line 3, column 8"));
}

static void a_text_reads_as_it_does_after_its_escapes(void **state)
{
    (void)state;
    auto_jinja j = {0};
    assert_true(jinja_parse(&j, SPAN_LIT("{{ 'a\\x5f' '\\u00e9\\137\\n' }}")));
    bool found = false;
    for (uint32_t i = 1; i < j.count; i++)
        if (j.nodes[i].kind == JINJA_NODE_STRING)
            found = span_equal_str(j.nodes[i].text, "a_\xc3\xa9_\n") && j.nodes[i].flag;
    assert_true(found);
}

/* ── limits ── */

static void repeat(struct buf *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_add_str(b, text);
}

static void comes_to_its_end(const struct buf *b)
{
    auto_look l = look_named(buf_span(b), "t.jinja");
    assert_true(verdict_blocks(l.verdict));
}

static void a_template_of_endless_depth_or_length_ends_and_is_never_clean(void **state)
{
    (void)state;
    static const char *const inside[][2] = {
        {"{{ ", "("},
        {"{{ ", "["},
        {"{{ ", "{'a':"},
        {"{{ ", "not "},
        {"{{ ", "-"},
        {"{{ x", "[x"},
        {"{{ x", ".a"},
        {"{{ x", "|trim"},
        {"{{ a", " if b else a"},
        {"", "{% if a %}"},
        {"", "{% for a in b %}"},
        {"{{ x", " is a"},
        {"{{ f", "(f"},
        {"{{ a", "**a"},
        {"{{ 'a'", "'a'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        auto_buf b = BUF(4U << 20);
        buf_add_str(&b, inside[i][0]);
        repeat(&b, inside[i][1], 30000);
        comes_to_its_end(&b);
    }
    auto_buf large = BUF(4U << 20);
    repeat(&large, "{{ x }}", 200000);
    comes_to_its_end(&large);
}

static void names_that_stand_for_names_end(void **state)
{
    (void)state;
    auto_buf chain = BUF(4U << 20), one = BUF(4U << 20);
    for (int i = 0; i < 20000; i++)
        buf_printf(&chain, "{%% set a%d = a%d %%}", i, i + 1);
    buf_add_str(&chain, "{{ x[a0] }}{{ x[a0 ~ 'b'] }}");
    comes_to_its_end(&chain);
    repeat(&one, "{% set a = a ~ x[a] %}", 20000);
    comes_to_its_end(&one);
}

/* ── the subset ── */

static void comes_out(const char *text, enum verdict verdict, const char *rule)
{
    auto_look l = look_named(span_str(text), "t.jinja");
    if (l.verdict != verdict || (rule && !look_has(&l, rule)))
        fail_msg("%s: %s, wanted %s; %s", text, verdict_name(l.verdict), verdict_name(verdict), l.rules);
}

static void what_conversations_need_is_clean(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{% set ns = namespace(last=0, out='') %}{% for m in messages %}{% set ns.last = loop.index0 %}{% endfor %}"
        "{{ messages[ns.last]['content'] }}{{ messages[ns.last - 1].content }}",
        "{% set types = {'string': 'str'} %}{{ types[spec.type] }}{% for k, v in p | items %}{{ p[k] }}{% endfor %}",
        "{% macro f(p, field=none) %}{% set p = p[field] %}{{ p }}{% endmacro %}{{ f(tool, 'name') }}",
        "{% macro a() %}{% endmacro %}{% set l = [] %}{% set l = l + [a] %}{{ l[0]() }}",
        "{{ m.content.split('</think>')[-1].lstrip('\\n') }}{{ x | map(attribute='function.name') | join(', ') }}",
        "{{ tools | selectattr('type', 'equalto', 'function') | list | tojson(indent=4) }}{{ strftime_now('%d %b %Y') "
        "}}",
        "{% if '<tool_call>' in m.content or m.content.startswith('/no_think') %}{% endif %}",
        "{% for c in m.content %}{% if c.type == 'image' or 'image' in c %}<img>{% endif %}{% endfor %}",
        "{% set s = (s ~ '\\n' if s else '') ~ 'x' %}{{ '<v>' * n }}{{ 'a\\u00a0b' }}{{ dict(a=1, **m) }}",
        "{{ raise_exception('no') }}{% for i in range(1, 10) %}{{ i }}{% endfor %}{{ loop.cycle('a', 'b') }}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        comes_out(texts[i], VERDICT_CLEAN, "template-unknown");
}

static void a_name_of_pythons_machinery_is_malicious_in_every_spelling(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{{ x.__class__ }}",
        "{{ x['__class__'] }}",
        "{{ x['__cl' 'ass__'] }}",
        "{{ x['\\x5f\\x5fclass\\x5f\\x5f'] }}",
        "{{ x['\\137\\137class__'] }}",
        "{{ x[\"\\u005f_class__\"] }}",
        "{{ x | map(attribute='__class__') | list }}",
        "{{ x | map(attribute='a.__class__') | list }}",
        "{{ x | selectattr('__class__') | list }}",
        "{{ x | sort(attribute='__class__') }}",
        "{{ x | sort(false, false, '__class__') }}",
        "{{ x | groupby('__class__') }}",
        "{{ x | join(', ', attribute='__class__') }}",
        "{{ x | join(', ', '__class__') }}",
        "{{ __import__('os') }}",
        "{% set ns.__class__ = 1 %}",
        "{{ namespace(__class__=1) }}",
        "{{ x.mro() }}",
        "{{ x.gi_frame.f_back.f_globals }}",
        "{{ x.func_globals }}",
        "{{ x.popen('id') }}",
        "{% if false %}{{ x.__class__ }}{% endif %}",
        "{% macro never_called() %}{{ x.__class__ }}{% endmacro %}",
        "{{ [x.__class__] | length }}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        comes_out(texts[i], VERDICT_MALICIOUS, "template-python");
}

static void a_name_that_is_put_together_is_found(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "'a' ~ 'b'",
        "'a' + 'b'",
        "'_' * 2",
        "'%s' % x",
        "x | join",
        "['a', 'b'] | join",
        "'a'.join(x)",
        "'a'.replace(x)",
        "m('a')",
        "y",
        "z",
        "('a' ~ 'b') | lower",
        "['a' ~ 'b'][0]",
        "ns.k",
        "a if b else 'c' ~ 'd'",
        "x | replace('a', 'b')",
        "t",
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char text[512];
        snprintf(text, sizeof(text),
                 "{%% macro m(a) %%}{%% endmacro %%}{%% set y = 'a' ~ 'b' %%}{%% set ns.k = 'a' + b %%}{%% set t "
                 "%%}a{%% endset %%}"
                 "{%% for z in ['a' ~ 'b'] %%}{{ x[%s] }}{%% endfor %%}",
                 keys[i]);
        comes_out(text, VERDICT_SUSPICIOUS, "template-key");
    }
}

static void a_second_step_by_an_unknown_key_is_found(void **state)
{
    (void)state;
    comes_out("{{ x[a][b] }}", VERDICT_SUSPICIOUS, "template-key");
    comes_out("{% set y = x[a] %}{{ y[b] }}", VERDICT_SUSPICIOUS, "template-key");
    comes_out("{% set y = x[a] %}{% set y = y[b] %}", VERDICT_SUSPICIOUS, "template-key");
    comes_out("{% for k in l %}{% set ns.o = ns.o[k] %}{% endfor %}", VERDICT_SUSPICIOUS, "template-key");
    comes_out("{% macro w(o, k) %}{% set o = o[k] %}{{ w(o, k) }}{% endmacro %}", VERDICT_SUSPICIOUS, "template-key");
    comes_out("{{ x | map(attribute=y) | list }}", VERDICT_SUSPICIOUS, "template-key");
    comes_out("{{ x | map(attribute='a' ~ 'b') | list }}", VERDICT_SUSPICIOUS, "template-key");
}

static void what_no_template_needs_is_found(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"{{ x | attr('y') }}", "template-construct"},
        {"{{ x | map('attr', 'y') | list }}", "template-construct"},
        {"{{ x | map('map', attribute='y') | list }}", "template-construct"},
        {"{{ x | map(f) | list }}", "template-construct"},
        {"{{ x | select(f) | list }}", "template-construct"},
        {"{{ x | map(*a) | list }}", "template-call"},
        {"{{ x | map(**a) | list }}", "template-call"},
        {"{{ '%s' | format(x) }}", "template-construct"},
        {"{{ '%s' % x }}", "template-construct"},
        {"{{ '{}'.format(x) }}", "template-call"},
        {"{{ '{x}'.format_map(y) }}", "template-call"},
        {"{% filter attr('x') %}{% endfilter %}", "template-construct"},
        {"{% set x | attr('y') %}{% endset %}", "template-construct"},
        {"{{ x is filter('y') }}", "template-construct"},
        {"{{ f(x) }}", "template-call"},
        {"{{ x[0](y) }}", "template-call"},
        {"{{ (a or b)() }}", "template-call"},
        {"{{ x.read() }}", "template-call"},
        {"{{ range(*a) }}", "template-call"},
        {"{% set range = x.y %}{{ range('z') }}", "template-call"},
        {"{% macro m() %}{% endmacro %}{% set m = x.y %}{{ m('z') }}", "template-call"},
        {"{% macro m(dict) %}{{ dict('z') }}{% endmacro %}{{ m(x.y) }}", "template-call"},
        {"{% for namespace in [x.y] %}{{ namespace('z') }}{% endfor %}", "template-call"},
        {"{% set loop = x.y %}{{ loop('z') }}", "template-call"},
        {"{% set ns = namespace(get=x.y) %}{{ ns.get('z') }}", "template-call"},
        {"{% set ns.strip = x.y %}{{ ns.strip('z') }}", "template-call"},
        {"{{ {'strip': x.y}.strip('z') }}", "template-call"},
        {"{{ dict(strip=x.y).strip('z') }}", "template-call"},
        {"{% macro m(k) %}{{ x[k] }}{% endmacro %}{{ [m][0]('a' ~ 'b') }}", "template-key"},
        {"{% macro m(k) %}{{ x[k] }}{% endmacro %}{{ m(*['a' ~ 'b']) }}", "template-key"},
        {"{% macro m(a) %}{% endmacro %}{% macro m(k) %}{{ x[k] }}{% endmacro %}{{ m('a' ~ 'b') }}", "template-key"},
        {"{{ lipsum }}", "template-construct"},
        {"{{ cycler('a') }}", "template-construct"},
        {"{{ self }}", "template-construct"},
        {"{{ config }}", "template-construct"},
        {"{% include 'x' %}", "template-construct"},
        {"{% extends 'x' %}", "template-construct"},
        {"{% import 'x' as y %}", "template-construct"},
        {"{% from 'x' import y %}", "template-construct"},
        {"{% block x %}{% endblock %}", "template-construct"},
        {"{{ x._y }}", "template-private"},
        {"{{ x['_y'] }}", "template-private"},
        {"{{ '__x' }}", "template-underscores"},
        {"{{ '\\x41' }}", "template-escape"},
        {"{{ '\\N{LATIN SMALL LETTER A}' }}", "template-escape"},
        {"{{ '\\u202e' }}", "template-hidden"},
        {"\xe2\x80\x8b", "template-hidden"},
        {"see https://pay.example", "template-url"},
        {"{{ 'http://' }}", "template-url"},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        comes_out(texts[i][0], VERDICT_SUSPICIOUS, texts[i][1]);
}

static void a_bomb_is_found(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{{ range(1000000000) }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 1000000000 * 'a' }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ x | indent(1000000000) }}",
        "{{ x | indent(width=1000000000) }}",
        "{{ 1234567890123456789012345 }}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{{ i }}{% endfor %}{% endfor %}",
        "{% set s = s ~ s %}",
        "{% set ns.s = ns.s + ns.s %}",
        "{% set s = s * 10 %}",
        "{% set l = [l, l] %}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        comes_out(texts[i], VERDICT_SUSPICIOUS, "template-bomb");
}

static void a_condition_on_words_of_a_message_is_found(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{% if 'invoice' in m.content %}x{% endif %}",
        "{% if m['content'] == 'invoice' %}x{% endif %}",
        "{% set c = m.content %}{% if 'invoice' in c %}x{% endif %}",
        "{% if 'invoice' in m.content | lower | trim %}x{% endif %}",
        "{% if m.content.lower().startswith('invoice') %}x{% endif %}",
        "{% if m.content.find('invoice') > 0 %}x{% endif %}",
        "{% if m.content[:7] == 'invoice' %}x{% endif %}",
        "{% if m.content in ['invoice', 'bill'] %}x{% endif %}",
        "{% if 'invoice' in m.get('content') %}x{% endif %}",
        "{% for w in m.content.split() %}{% if w == 'invoice' %}x{% endif %}{% endfor %}",
        "{{ 'x' if 'invoice' not in m.content else '' }}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        comes_out(texts[i], VERDICT_SUSPICIOUS, "template-condition");
}

/* Templates of published attacks, as their advisories describe them. */
static void cve_2024_34359_a_walk_to_a_subclass_that_imports_is_malicious(void **state)
{
    (void)state;
    comes_out(
        "{% for c in [].__class__.__base__.__subclasses__() %}{% if 'warn' in c.__name__ %}{{ c()._module }}{% endif %}"
        "{% endfor %}",
        VERDICT_MALICIOUS, "template-python");
}

static void cve_2026_5760_a_function_of_jinja_that_leads_to_os_is_malicious(void **state)
{
    (void)state;
    comes_out("{{ cycler.__init__.__globals__.os.popen('id') }}", VERDICT_MALICIOUS, "template-python");
    comes_out("{{ lipsum['__glo' ~ 'bals__'] }}", VERDICT_SUSPICIOUS, "template-key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_jinja_reads_parses),
        cmocka_unit_test(what_jinja_refuses_does_not_parse),
        cmocka_unit_test(what_does_not_parse_has_a_line_and_a_column),
        cmocka_unit_test(a_text_reads_as_it_does_after_its_escapes),
        cmocka_unit_test(a_template_of_endless_depth_or_length_ends_and_is_never_clean),
        cmocka_unit_test(names_that_stand_for_names_end),
        cmocka_unit_test(what_conversations_need_is_clean),
        cmocka_unit_test(a_name_of_pythons_machinery_is_malicious_in_every_spelling),
        cmocka_unit_test(a_name_that_is_put_together_is_found),
        cmocka_unit_test(a_second_step_by_an_unknown_key_is_found),
        cmocka_unit_test(what_no_template_needs_is_found),
        cmocka_unit_test(a_bomb_is_found),
        cmocka_unit_test(a_condition_on_words_of_a_message_is_found),
        cmocka_unit_test(cve_2024_34359_a_walk_to_a_subclass_that_imports_is_malicious),
        cmocka_unit_test(cve_2026_5760_a_function_of_jinja_that_leads_to_os_is_malicious),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
