/* Names in pickles: only those on the list pass, in whatever form they are called. The numbers are those
 * of the list of bypasses; every input is made here. */
#include "look.h"
#include "pickles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/pickle_names.h"

#define ROW(text)                \
    {                            \
        (text), sizeof(text) - 1 \
    }

static void every_form_is_blocked(const char *module, const char *name)
{
    for (enum form form = 0; form < FORMS; form++) {
        auto_buf b = BUF(8192);
        call_in_form(&b, form, module, name);
        auto_look l = look_pickle(&b);
        if (!verdict_blocks(l.verdict) || !look_has(&l, "pickle-name"))
            fail_msg("%s.%s in form %d came out %s: %s", module, name, form, verdict_name(l.verdict), l.rules);
        if (!strstr(message_of(&l, "pickle-name"), module) || !strstr(message_of(&l, "pickle-name"), name))
            fail_msg("%s.%s: the message does not name it: %s", module, name, message_of(&l, "pickle-name"));
    }
}

struct pair {
    const char *module, *name;
};

#define EACH_IS_BLOCKED(pairs)                                      \
    for (size_t i_ = 0; i_ < sizeof(pairs) / sizeof *(pairs); i_++) \
    every_form_is_blocked((pairs)[i_].module, (pairs)[i_].name)

/* ── the table ── */

static void the_allowed_names_are_sorted_and_none_is_a_known_danger(void **state)
{
    size_t count;
    const struct pickle_name *names = pickle_names(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        int order = i ? strcmp(names[i - 1].module, names[i].module) : -1;
        if (order > 0 || (order == 0 && strcmp(names[i - 1].name, names[i].name) >= 0))
            fail_msg("%s.%s stands behind %s.%s", names[i].module, names[i].name, names[i - 1].module,
                     names[i - 1].name);
        assert_int_equal(pickle_name_find(span_str(names[i].module), span_str(names[i].name)), i);
    }
    assert_int_equal(pickle_name_find(SPAN_LIT("torch"), SPAN_LIT("load")), PICKLE_NAME_BLOCKED);
    assert_int_equal(pickle_name_find(SPAN_LIT("torch"), SPAN_LIT("FloatStorag")), PICKLE_NAME_BLOCKED);
    assert_int_equal(pickle_name_find(SPAN_LIT("collections "), SPAN_LIT("OrderedDict")), PICKLE_NAME_BLOCKED);
}

/* ── A. names and resolution ── */

static void case_01_a_module_that_no_blocklist_knows_is_blocked(void **state)
{
    static const struct pair pairs[] = {
        {"pip", "main"},
        {"timeit", "timeit"},
        {"cProfile", "run"},
        {"profile", "Profile.run"},
        {"trace", "Trace.run"},
        {"doctest", "debug_script"},
        {"code", "InteractiveInterpreter.runcode"},
        {"pydoc", "pipepager"},
        {"venv", "create"},
        {"ensurepip", "_run_pip"},
        {"idlelib.pyshell", "ModifiedInterpreter.runcode"},
        {"lib2to3.pgen2.grammar", "Grammar.loads"},
        {"ctypes", "CDLL"},
        {"ssl", "get_server_certificate"},
        {"urllib.request", "urlopen"},
        {"uuid", "_get_command_stdout"},
        {"_osx_support", "_read_output"},
        {"_aix_support", "_read_cmd_output"},
        {"_pyrepl.pager", "pipe_pager"},
        {"imaplib", "IMAP4_stream"},
        {"test.support.script_helper", "assert_python_ok"},
        {"asyncio.unix_events", "_UnixSubprocessTransport._start"},
        {"distutils.file_util", "write_file"},
        {"numpy.f2py.crackfortran", "getlincoef"},
        {"numpy.testing._private.utils", "runstring"},
        {"torch.utils.collect_env", "run"},
        {"torch.utils.bottleneck.__main__", "run_cprofile"},
        {"torch.jit.unsupported_tensor_ops", "execWrapper"},
        {"torch._dynamo.guards", "GuardBuilder.get"},
        {"torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression"},
        {"torch._inductor.codecache", "compile_file"},
        {"torch.utils._config_module", "ConfigModule.load_config"},
        {"torch.utils.data.datapipes.utils.decoder", "basichandlers"},
        {"a_module_of_tomorrow", "a_function"},
        {"sklearn.linear_model._base", "LinearRegression"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
}

static void case_02_a_function_that_resolves_any_name_is_blocked(void **state)
{
    static const struct pair pairs[] = {
        {"pkgutil", "resolve_name"},   {"importlib", "import_module"}, {"builtins", "getattr"},
        {"operator", "attrgetter"},    {"operator", "methodcaller"},   {"operator", "call"},
        {"functools", "partial"},      {"typing", "get_type_hints"},   {"typing", "ForwardRef"},
        {"dataclasses", "_create_fn"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
}

static void case_03_a_module_below_another_is_blocked(void **state)
{
    static const struct pair pairs[] = {
        {"asyncio.unix_events", "_UnixSubprocessTransport"},
        {"os.path", "join"},
        {"runpy.something", "_run_code"},
        {"collections.abc", "Callable"},
        {"torch.nn", "Module"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
}

static void case_04_a_dotted_name_that_walks_attributes_is_blocked(void **state)
{
    static const struct pair pairs[] = {
        {"pathlib", "os.system"},      {"pydantic", "_os.system"},
        {"random", "_os.system"},      {"builtins", "print.__class__.__base__.__subclasses__"},
        {"builtins", "__setattr__"},   {"collections", "OrderedDict.fromkeys"},
        {"torch", "Tensor.__class__"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
}

static void case_05_a_private_twin_is_blocked(void **state)
{
    static const struct pair pairs[] = {
        {"posix", "system"},
        {"nt", "system"},
        {"_posixsubprocess", "fork_exec"},
        {"_interpreters", "exec"},
        {"_xxsubinterpreters", "run_string"},
        {"_io", "FileIO"},
        {"_pickle", "loads"},
        {"_operator", "attrgetter"},
        {"_ctypes", "dlopen"},
        {"site", "addpackage"},
        {"atexit", "register"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
}

static void case_06_extension_registry_is_blocked(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {ROW("\x80\x02\x82\x01)R."), ROW("\x80\x02\x83\x01\x02)R."), ROW("\x80\x02\x84\x01\x02\x03\x04)R.")};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf b = BUF(64);
        buf_add(&b, rows[i].bytes, rows[i].len);
        is_blocked(&b, "pickle-opcode");
    }
}

static void case_07_a_name_of_python_2_is_blocked(void **state)
{
    static const struct pair pairs[] = {
        {"__builtin__", "eval"},        {"__builtin__", "execfile"},    {"commands", "getoutput"},
        {"httplib", "HTTPSConnection"}, {"copy_reg", "_reconstructor"}, {"urllib2", "urlopen"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
}

static void case_08_an_allowed_name_that_is_poisoned_is_blocked(void **state)
{
    auto_buf shadowed = BUF(512), built = BUF(512), registry = BUF(512), chain = BUF(512), type = BUF(512);
    (void)state;
    /* torch._utils itself is given another _rebuild_tensor */
    p_proto(&shadowed, 2);
    p_global(&shadowed, "torch", "_utils");
    buf_add_str(&shadowed, "}");
    p_text(&shadowed, "_rebuild_tensor");
    p_text(&shadowed, "builtins");
    buf_add_str(&shadowed, "sb.");
    is_blocked(&shadowed, "pickle-name");
    /* BUILD on an allowed class */
    p_proto(&built, 2);
    p_global(&built, "collections", "OrderedDict");
    buf_add_str(&built, "}");
    p_text(&built, "__setitem__");
    p_global(&built, "torch", "Size");
    buf_add_str(&built, "sb.");
    is_blocked(&built, "pickle-build");
    /* SETITEM on an imported dict */
    p_proto(&registry, 2);
    p_global(&registry, "pydantic", "_dynamic_imports");
    p_text(&registry, "BaseModel");
    p_text(&registry, "os");
    buf_add_str(&registry, "s.");
    is_blocked(&registry, "pickle-name");
    p_global(&chain, "collections", "ChainMap");
    buf_add_str(&chain, ")R.");
    is_blocked(&chain, "pickle-name");
    p_global(&type, "builtins", "type");
    buf_add_str(&type, "(S'x'\n)}tR.");
    is_blocked(&type, "pickle-name");
}

static void case_08_a_state_that_replaces_methods_is_blocked(void **state)
{
    auto_buf b = BUF(512);
    (void)state;
    p_proto(&b, 2);
    p_global(&b, "collections", "OrderedDict");
    buf_add_str(&b, ")R}");
    p_text(&b, "__class__");
    buf_add_str(&b, "Nsb.");
    is_blocked(&b, "pickle-build");
}

static void case_09_a_loader_inside_of_the_loader_is_blocked(void **state)
{
    static const struct pair pairs[] = {
        {"torch.storage", "_load_from_bytes"},
        {"joblib", "load"},
        {"dill", "loads"},
        {"transformers", "AutoTokenizer.from_pretrained"},
        {"mlflow.projects.backend.local", "_run_entry_point"},
        {"pandas", "read_csv"},
        {"weakref", "finalize"},
        {"_io", "open_code"},
        {"io", "open_code"},
        {"logging", "FileHandler"},
        {"linecache", "getlines"},
        {"torch", "load"},
        {"numpy", "load"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
}

/* ── payloads of the advisories ── */

static void each_payload_of_an_advisory_is_blocked_and_named(void **state)
{
    static const struct pair pairs[] = {
        {"idlelib.pyshell", "ModifiedInterpreter.runcode"},
        {"idlelib.debugobj", "ObjectTreeItem.SetText"},
        {"ctypes", "CDLL"},
        {"builtins", "__import__"},
        {"_operator", "attrgetter"},
        {"cProfile", "run"},
        {"torch.utils.bottleneck.__main__", "run_cprofile"},
        {"torch.utils.bottleneck.__main__", "run_autograd_prof"},
        {"trace", "Trace.run"},
        {"profile", "Profile.runctx"},
        {"idlelib.autocomplete", "AutoComplete.get_entity"},
        {"idlelib.autocomplete", "AutoComplete.fetch_completions"},
        {"profile", "run"},
        {"operator", "methodcaller"},
        {"pydoc", "locate"},
        {"torch._dynamo.guards", "GuardBuilder.get"},
        {"idlelib.calltip", "Calltip.fetch_tip"},
        {"_operator", "methodcaller"},
        {"cProfile", "runctx"},
        {"idlelib.calltip", "get_entity"},
        {"code", "InteractiveInterpreter.runcode"},
        {"torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression"},
        {"lib2to3.pgen2.grammar", "Grammar.loads"},
        {"torch.utils.collect_env", "run"},
        {"doctest", "debug_script"},
        {"trace", "Trace.runctx"},
        {"_aix_support", "_read_cmd_output"},
        {"imaplib", "IMAP4_stream"},
        {"_osx_support", "_read_output"},
        {"_pyrepl.pager", "pipe_pager"},
        {"test.support.script_helper", "assert_python_ok"},
        {"uuid", "_get_command_stdout"},
        {"torch.utils.data.datapipes.utils.decoder", "basichandlers"},
        {"idlelib.pyshell", "ModifiedInterpreter.runcommand"},
        {"asyncio.unix_events", "_UnixSubprocessTransport._start"},
        {"torch.utils.collect_env", "run_and_read_all"},
        {"distutils.file_util", "write_file"},
        {"idlelib.run", "Executive.runcode"},
        {"lib2to3.pgen2.pgen", "ParserGenerator.make_label"},
        {"numpy.f2py.crackfortran", "getlincoef"},
        {"pty", "spawn"},
        {"torch.jit.unsupported_tensor_ops", "execWrapper"},
        {"torch.utils._config_module", "ConfigModule.load_config"},
        {"pkgutil", "resolve_name"},
        {"profile", "Profile.run"},
        {"ensurepip", "_run_pip"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!pickle_name_danger(span_str(pairs[i].module), span_str(pairs[i].name)))
            fail_msg("%s.%s has no explanation", pairs[i].module, pairs[i].name);
}

static void each_family_of_payloads_is_blocked(void **state)
{
    static const struct pair pairs[] = {
        {"__builtin__", "globals"},
        {"__builtin__", "compile"},
        {"__builtin__", "getattr"},
        {"__builtin__", "apply"},
        {"httplib", "HTTPSConnection"},
        {"requests.api", "get"},
        {"aiohttp.client", "ClientSession"},
        {"socket", "create_connection"},
        {"subprocess", "run"},
        {"sys", "exit"},
        {"runpy", "_run_code"},
        {"bdb", "Bdb.run"},
        {"cloudpickle.cloudpickle", "_make_function"},
        {"cloudpickle.cloudpickle", "subimport"},
        {"types", "CodeType"},
        {"torch.serialization", "load"},
        {"numpy.testing._private.utils", "runstring"},
    };
    (void)state;
    EACH_IS_BLOCKED(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_allowed_names_are_sorted_and_none_is_a_known_danger),
        cmocka_unit_test(case_01_a_module_that_no_blocklist_knows_is_blocked),
        cmocka_unit_test(case_02_a_function_that_resolves_any_name_is_blocked),
        cmocka_unit_test(case_03_a_module_below_another_is_blocked),
        cmocka_unit_test(case_04_a_dotted_name_that_walks_attributes_is_blocked),
        cmocka_unit_test(case_05_a_private_twin_is_blocked),
        cmocka_unit_test(case_06_extension_registry_is_blocked),
        cmocka_unit_test(case_07_a_name_of_python_2_is_blocked),
        cmocka_unit_test(case_08_an_allowed_name_that_is_poisoned_is_blocked),
        cmocka_unit_test(case_08_a_state_that_replaces_methods_is_blocked),
        cmocka_unit_test(case_09_a_loader_inside_of_the_loader_is_blocked),
        cmocka_unit_test(each_payload_of_an_advisory_is_blocked_and_named),
        cmocka_unit_test(each_family_of_payloads_is_blocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
