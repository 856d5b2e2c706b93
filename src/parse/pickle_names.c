#include "parse/pickle_names.h"

#include <string.h>

#include "util/auto.h"

/* Sorted by module, then name (bytewise): a test holds it. Names of Python 2 stand beside those that they became. What
 * the letters of the arguments mean stands in pickle_calls.c. */
#define SETS(module)                                                                   \
    {module, "bytearray", PICKLE_CALLED, PICKLE_BYTES, 0, "|=x"},                      \
        {module, "bytes", PICKLE_CALLED, PICKLE_BYTES, 0, ""}, /* b"" in protocol 2 */ \
        {module, "complex", PICKLE_CALLED, PICKLE_PLAIN, 0, "|FF"},                    \
        {module, "frozenset", PICKLE_CALLED, PICKLE_PLAIN, 0, "|l"},                   \
    {                                                                                  \
        module, "set", PICKLE_CALLED, PICKLE_PLAIN, 0, "|l"                            \
    }
#define MULTIARRAY(module)                                                 \
    {module, "_reconstruct", PICKLE_CALLED, PICKLE_RECONSTRUCT, 0, "a0Y"}, \
    {                                                                      \
        module, "scalar", PICKLE_CALLED, PICKLE_SCALAR, 0, "NY"            \
    }
#define FROMBUFFER(module)                                                 \
    {                                                                      \
        module, "_frombuffer", PICKLE_CALLED, PICKLE_FROMBUFFER, 0, "YNix" \
    }
#define STORAGE(name, size)                                             \
    {                                                                   \
        "torch", name "Storage", PICKLE_STORAGE, PICKLE_PLAIN, size, "" \
    }
#define DTYPE(name, size)                                   \
    {                                                       \
        "torch", name, PICKLE_DTYPE, PICKLE_PLAIN, size, "" \
    }
#define VALUE(module, name)                             \
    {                                                   \
        module, name, PICKLE_VALUE, PICKLE_PLAIN, 0, "" \
    }
#define TENSOR_CLASS(module, name)                      \
    {                                                   \
        module, name, PICKLE_VALUE, PICKLE_CLASS, 0, "" \
    }
#define REBUILD(name, meaning, args)                          \
    {                                                         \
        "torch._utils", name, PICKLE_CALLED, meaning, 0, args \
    }
#define WRAPPER(name, meaning)                                   \
    {                                                            \
        "joblib.numpy_pickle", name, PICKLE_MADE, meaning, 0, "" \
    }

/* clang-format off */
static const struct pickle_name NAMES[] = {
    SETS("__builtin__"),
    {"_codecs", "encode", PICKLE_CALLED, PICKLE_ENCODE, 0, "xx"},
    SETS("builtins"),
    {"collections", "Counter", PICKLE_CALLED, PICKLE_MAPPING, 0, "|k"},
    {"collections", "OrderedDict", PICKLE_CALLED, PICKLE_MAPPING, 0, "|l"},
    WRAPPER("NDArrayWrapper", PICKLE_JOBLIB_BESIDE),
    WRAPPER("NumpyArrayWrapper", PICKLE_JOBLIB_ARRAY),
    WRAPPER("ZNDArrayWrapper", PICKLE_JOBLIB_BESIDE),
    {"numpy", "dtype", PICKLE_CALLED, PICKLE_NUMPY_DTYPE, 0, "x|bb"},
    {"numpy", "matrix", PICKLE_VALUE, PICKLE_ARRAY_CLASS, 0, ""},
    {"numpy", "ndarray", PICKLE_VALUE, PICKLE_ARRAY_CLASS, 0, ""},
    MULTIARRAY("numpy._core.multiarray"),
    FROMBUFFER("numpy._core.numeric"),
    MULTIARRAY("numpy.core.multiarray"),
    FROMBUFFER("numpy.core.numeric"),
    {"numpy.matrixlib.defmatrix", "matrix", PICKLE_VALUE, PICKLE_ARRAY_CLASS, 0, ""},
    STORAGE("BFloat16", 2),
    TENSOR_CLASS("torch", "BFloat16Tensor"),
    STORAGE("Bool", 1),
    TENSOR_CLASS("torch", "BoolTensor"),
    STORAGE("Byte", 1),
    TENSOR_CLASS("torch", "ByteTensor"),
    STORAGE("Char", 1),
    TENSOR_CLASS("torch", "CharTensor"),
    STORAGE("ComplexDouble", 16),
    STORAGE("ComplexFloat", 8),
    STORAGE("Double", 8),
    TENSOR_CLASS("torch", "DoubleTensor"),
    STORAGE("Float", 4),
    TENSOR_CLASS("torch", "FloatTensor"),
    STORAGE("Half", 2),
    TENSOR_CLASS("torch", "HalfTensor"),
    STORAGE("Int", 4),
    TENSOR_CLASS("torch", "IntTensor"),
    STORAGE("Long", 8),
    TENSOR_CLASS("torch", "LongTensor"),
    STORAGE("QInt32", 4),
    STORAGE("QInt8", 1),
    STORAGE("QUInt2x4", 1),
    STORAGE("QUInt4x2", 1),
    STORAGE("QUInt8", 1),
    STORAGE("Short", 2),
    TENSOR_CLASS("torch", "ShortTensor"),
    {"torch", "Size", PICKLE_CALLED, PICKLE_SIZE, 0, "|i"},
    TENSOR_CLASS("torch", "Tensor"),
    DTYPE("bfloat16", 2),
    DTYPE("bits16", 2),
    DTYPE("bits1x8", 1),
    DTYPE("bits2x4", 1),
    DTYPE("bits4x2", 1),
    DTYPE("bits8", 1),
    DTYPE("bool", 1),
    DTYPE("complex128", 16),
    DTYPE("complex32", 4),
    DTYPE("complex64", 8),
    {"torch", "device", PICKLE_CALLED, PICKLE_DEVICE, 0, "x|n"},
    DTYPE("float16", 2),
    DTYPE("float32", 4),
    DTYPE("float4_e2m1fn_x2", 1),
    DTYPE("float64", 8),
    DTYPE("float8_e4m3fn", 1),
    DTYPE("float8_e4m3fnuz", 1),
    DTYPE("float8_e5m2", 1),
    DTYPE("float8_e5m2fnuz", 1),
    DTYPE("float8_e8m0fnu", 1),
    DTYPE("int1", 1),
    DTYPE("int16", 2),
    DTYPE("int2", 1),
    DTYPE("int3", 1),
    DTYPE("int32", 4),
    DTYPE("int4", 1),
    DTYPE("int5", 1),
    DTYPE("int6", 1),
    DTYPE("int64", 8),
    DTYPE("int7", 1),
    DTYPE("int8", 1),
    VALUE("torch", "per_channel_affine"),
    VALUE("torch", "per_channel_affine_float_qparams"),
    VALUE("torch", "per_channel_symmetric"),
    VALUE("torch", "per_tensor_affine"),
    VALUE("torch", "per_tensor_symmetric"),
    DTYPE("qint32", 4),
    DTYPE("qint8", 1),
    DTYPE("quint2x4", 1),
    DTYPE("quint4x2", 1),
    DTYPE("quint8", 1),
    VALUE("torch", "sparse_bsc"),
    VALUE("torch", "sparse_bsr"),
    VALUE("torch", "sparse_coo"),
    VALUE("torch", "sparse_csc"),
    VALUE("torch", "sparse_csr"),
    VALUE("torch", "strided"),
    DTYPE("uint1", 1),
    DTYPE("uint16", 2),
    DTYPE("uint2", 1),
    DTYPE("uint3", 1),
    DTYPE("uint32", 4),
    DTYPE("uint4", 1),
    DTYPE("uint5", 1),
    DTYPE("uint6", 1),
    DTYPE("uint64", 8),
    DTYPE("uint7", 1),
    DTYPE("uint8", 1),
    {"torch._tensor", "_rebuild_from_type_v2", PICKLE_CALLED, PICKLE_FROM_TYPE, 0, "*cuq"},
    REBUILD("_rebuild_device_tensor_from_cpu_tensor", PICKLE_REBUILDS, "Tdvb"),
    REBUILD("_rebuild_device_tensor_from_numpy", PICKLE_REBUILDS, "Advb"),
    REBUILD("_rebuild_meta_tensor_no_storage", PICKLE_REBUILDS, "diib"),
    REBUILD("_rebuild_nested_tensor", PICKLE_REBUILDS, "TTT|T"),
    REBUILD("_rebuild_parameter", PICKLE_REBUILDS, "Tbh"),
    REBUILD("_rebuild_parameter_with_state", PICKLE_REBUILDS, "Tbhq"),
    REBUILD("_rebuild_qtensor", PICKLE_TENSOR, "Sniiubh"),
    REBUILD("_rebuild_sparse_csr_tensor", PICKLE_REBUILDS, "Lu"), /* torch 1.10 to 1.13 */
    REBUILD("_rebuild_sparse_tensor", PICKLE_REBUILDS, "Lu"),
    REBUILD("_rebuild_tensor", PICKLE_TENSOR, "Snii"),
    REBUILD("_rebuild_tensor_v2", PICKLE_TENSOR, "Sniibh|k"),
    REBUILD("_rebuild_tensor_v3", PICKLE_TENSOR_V3, "Sniibhd|k"),
    REBUILD("_rebuild_wrapper_subclass", PICKLE_REBUILDS, "cdiinLvb"),
    TENSOR_CLASS("torch.nn.parameter", "Parameter"),
    {"torch.serialization", "_get_layout", PICKLE_CALLED, PICKLE_LAYOUT, 0, "x"},
    {"torch.storage", "UntypedStorage", PICKLE_STORAGE, PICKLE_PLAIN, 1, ""},
};
/* clang-format on */

const struct pickle_name *pickle_names(size_t *count)
{
    *count = ARRAY_LEN(NAMES);
    return NAMES;
}

uint32_t pickle_name_find(struct span module, struct span name)
{
    size_t low = 0, high = ARRAY_LEN(NAMES);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = span_compare(span_str(NAMES[middle].module), module);
        if (order == 0)
            order = span_compare(span_str(NAMES[middle].name), name);
        if (order == 0)
            return (uint32_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return PICKLE_NAME_BLOCKED;
}

/* ── what others are known to do ── */

/* Modules (with what is below them) and single names, ended by spaces. */
struct danger {
    const char *names;
    const char *does;
};

static const struct danger DANGERS[] = {
    {"os posix nt subprocess commands pty popen2 platform pexpect multiprocessing _posixsubprocess asyncio distutils "
     "_aix_support _osx_support _pyrepl imaplib uuid test pipes venv ensurepip pip concurrent pdb bdb pydoc webbrowser "
     "antigravity torch.utils.collect_env torch._inductor torch.hub mlflow turtledemo ",
     "starts programs"},
    {"builtins.eval builtins.exec builtins.compile builtins.execfile builtins.apply builtins.__import__ "
     "builtins.breakpoint __builtin__.eval __builtin__.exec __builtin__.compile __builtin__.execfile __builtin__.apply "
     "__builtin__.__import__ __builtin__.breakpoint code codeop runpy timeit cProfile profile trace doctest idlelib "
     "lib2to3 numpy.f2py numpy.testing torch.jit torch.fx torch._dynamo torch.utils.bottleneck "
     "torch.utils._config_module torch.utils.data types.CodeType types.FunctionType cloudpickle py_compile compileall "
     "imp importlib zipimport _interpreters _xxsubinterpreters _imp _frozen_importlib _frozen_importlib_external "
     "unittest typing.get_type_hints typing.ForwardRef dataclasses site atexit signal _signal threading _thread "
     "weakref pydantic fsspec marshal ",
     "runs Python code"},
    {"builtins.getattr builtins.setattr builtins.delattr builtins.globals builtins.locals builtins.vars builtins.type "
     "builtins.map builtins.filter builtins.print builtins.input builtins.memoryview __builtin__.getattr "
     "__builtin__.setattr __builtin__.delattr __builtin__.globals __builtin__.locals __builtin__.vars "
     "__builtin__.type __builtin__.map __builtin__.reduce operator _operator functools _functools pkgutil inspect gc "
     "types sys __builtins__ itertools copyreg copy_reg ",
     "reaches other functions and attributes, whatever they are"},
    {"pickle _pickle cPickle dill joblib shelve pickletools torch.load torch.serialization "
     "torch.storage._load_from_bytes "
     "torch.package pandas numpy.load transformers ",
     "loads another file or pickle"},
    {"ctypes _ctypes cffi _cffi_backend mmap numpy.ctypeslib ", "calls native code"},
    {"socket _socket ssl _ssl http httplib urllib urllib2 urllib3 requests aiohttp ftplib smtplib poplib nntplib "
     "telnetlib xmlrpc xmlrpclib socketserver select selectors httpx paramiko torch.distributed syslog ",
     "opens a connection"},
    {"io _io.FileIO _io.open _io.open_code builtins.open __builtin__.open __builtin__.file shutil tempfile glob "
     "fileinput filecmp linecache logging tarfile zipfile sqlite3 _sqlite3 pathlib difflib codecs.open ",
     "reads or writes files"},
};

/* `entry` is "module", "module.name", or a module above. */
static bool is_below(struct span entry, struct span module, struct span name)
{
    if (span_starts(module, entry))
        return module.len == entry.len || module.ptr[entry.len] == '.';
    return entry.len > module.len + 1 && span_starts(entry, module) && entry.ptr[module.len] == '.' &&
           span_equal(span_of(entry.ptr + module.len + 1, entry.len - module.len - 1), name);
}

const char *pickle_name_danger(struct span module, struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(DANGERS); i++) {
        struct span rest = span_str(DANGERS[i].names), entry;
        while (span_take_until(&rest, ' ', &entry))
            if (is_below(entry, module, name))
                return DANGERS[i].does;
    }
    return NULL;
}
