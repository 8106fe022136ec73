/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_FOVEA_H
#define FOVEA_FOVEA_H

/*
 * fovea: finds signs of diabetic retinopathy in photographs of the eye. Research software, not a medical device.
 *
 *     fovea_model* model = NULL;
 *     fovea_session* session = NULL;
 *     fovea_session_settings settings;
 *     fovea_screening result = {.size = sizeof(result)};
 *     fovea_status status = fovea_model_load_file("small224.fovea", NULL, &model);
 *     fovea_session_settings_init(&settings);
 *     if (status == FOVEA_OK) status = fovea_session_create(model, &settings, &session);
 *     if (status == FOVEA_OK) status = fovea_screen_bytes(session, jpeg, jpeg_size, NULL, &result);
 *     if (status == FOVEA_OK) printf("%s\n", fovea_result_string(result.result));
 *     fovea_session_close(&session);
 *     fovea_model_close(&model);
 *
 * Rules for every call:
 * - One that can fail returns a fovea_status; 0 is success. On failure outputs are untouched or reset to null, no
 *   object is left half made, and a line that names the cause goes to the log callback, if there is one
 *   (FOVEA_ERROR_BUSY alone is silent: the log callback may be what called). The others return a name, a number or nothing.
 * - Callbacks (log, cancel, allocator, write) return to the library, and may call it for other objects. Calls for the session
 *   whose call called them are refused, see fovea_session.
 * - It never prints, aborts, throws, or reads the environment.
 * - It computes in the default floating-point environment, whatever the caller's rounding, traps or treatment of denormal
 *   numbers, and gives the caller's back; callbacks run in the default one.
 * - Structs that the library fills or reads begin with `size`, the sizeof of the struct that the program was compiled with:
 *   an *_init function sets it, or `fovea_pixels pixels = {.size = sizeof(pixels)}`. So a program works with a library of another
 *   version. Fields that an older program's struct lacks are at their defaults, and are not written. Fields of a newer
 *   program's struct that this library does not know must be zero where it reads them, else the call is
 *   FOVEA_ERROR_INVALID_ARGUMENT; where it fills the struct they become zero. Fields named reserved are 0.
 * - Structs that are only parts of others (fovea_log, fovea_allocator, fovea_quality_check, fovea_answer) have no size and
 *   stay as they are.
 * - What may run at once stands at each call. "Threads: any": always, on any threads. "Threads: model": as any, for as
 *   long as the model is open. "Threads: session": one call at a time for each session, on any thread; one that comes
 *   while another is not done gets FOVEA_ERROR_BUSY. Calls for different sessions never wait for each other. No call may
 *   be given a struct that another thread writes.
 * - An enumerator that ends in _ANY_INT_ is no value: it lets any int be passed and be refused, where C++
 *   would otherwise take a value outside the enumeration for a promise that it cannot happen.
 * - Strings are UTF-8. Strings returned belong to the object they came from and live as long.
 * - Images are 8-bit, top row first; tensors are height x width x channels, channels innermost.
 */

#include <stddef.h>
#include <stdint.h>

#define FOVEA_VERSION_MAJOR 0
#define FOVEA_VERSION_MINOR 1
#define FOVEA_VERSION_PATCH 0

#define FOVEA_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status, log, allocator ------------------------------------------------------------------ */

typedef enum fovea_status {
    FOVEA_OK = 0,
    FOVEA_ERROR_INVALID_ARGUMENT = 1,  /* null pointer, value out of range, struct not initialised */
    FOVEA_ERROR_OUT_OF_MEMORY = 2,
    FOVEA_ERROR_IO = 3,                /* a file cannot be opened, mapped or read */
    FOVEA_ERROR_NOT_A_MODEL = 4,       /* no .fovea magic */
    FOVEA_ERROR_BAD_MODEL = 5,         /* damaged: a checksum, bound, shape or reference is wrong; or pixels give results that
                                          are no finite numbers */
    FOVEA_ERROR_UNSUPPORTED_MODEL = 6, /* sound, but of a version or kind that this build cannot run */
    FOVEA_ERROR_NOT_AN_IMAGE = 7,
    FOVEA_ERROR_UNSUPPORTED_IMAGE = 8, /* an image of a kind that is not read (WebP, CMYK JPEG, ...) */
    FOVEA_ERROR_CORRUPT_IMAGE = 9,
    FOVEA_ERROR_IMAGE_TOO_LARGE = 10,  /* over the session's limits */
    FOVEA_ERROR_UNSUPPORTED_ISA = 11,  /* the instruction set asked for is not in this CPU or build */
    FOVEA_ERROR_WORKSPACE_TOO_SMALL = 12,
    FOVEA_ERROR_UNKNOWN_TAP = 13,      /* no layer of that name in the model */
    FOVEA_ERROR_CANCELLED = 14,
    FOVEA_ERROR_SELFTEST_FAILED = 15,
    FOVEA_ERROR_INPUT_SIZE = 16,       /* the network cannot run at that input size */
    FOVEA_ERROR_BUSY = 17,             /* another call of the same session is not done */
    FOVEA_ERROR_MEMORY_LIMIT = 18,     /* the session needs more than its max_workspace_bytes */
    FOVEA_STATUS_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_status;

/* A short English name of the status; never null, also for values outside the enum. Threads: any. */
FOVEA_API const char* fovea_status_string(fovea_status status);

/* "0.1.0"; static. Threads: any. */
FOVEA_API const char* fovea_version(void);

/* The SHA-256 of bytes as 64 lower-case hexadecimal digits and a null: what names a photo or a model's file in a report, whatever
 * its path. It guards nothing. data may be null where data_size is 0. Threads: any. */
FOVEA_API fovea_status fovea_sha256(const void* data, size_t data_size, char digits[65]);

typedef enum fovea_log_level { FOVEA_LOG_ERROR = 0, FOVEA_LOG_WARNING = 1, FOVEA_LOG_INFO = 2 } fovea_log_level;

/* Receives one line without a newline. Called on the thread that made the call. write may be null: silence. */
typedef struct fovea_log {
    void (*write)(void* cookie, fovea_log_level level, const char* message);
    void* cookie;
} fovea_log;

/*
 * Where memory comes from; all null means the C library. allocate returns size bytes aligned to
 * alignment (at most 64) or null; release takes what allocate gave. Called only from the thread that
 * calls the library. Nothing is allocated during fovea_run.
 */
typedef struct fovea_allocator {
    void* (*allocate)(void* cookie, size_t size, size_t alignment);
    void (*release)(void* cookie, void* pointer);
    void* cookie;
} fovea_allocator;

/* ---- Model ----------------------------------------------------------------------------------- */

/* Immutable after loading; may be shared by any number of sessions on any threads. Close it last. */
typedef struct fovea_model fovea_model;

typedef struct fovea_model_settings {
    size_t size;
    fovea_allocator allocator; /* default: the C library */
    fovea_log log;             /* default: silent; used by the model's own calls */
} fovea_model_settings;

/* Sets every field to its default, in a struct of that many bytes: the next one is for C and C++, this one for other
 * languages. A size that is no struct's leaves it as it is. Threads: any. */
FOVEA_API void fovea_model_settings_init_sized(fovea_model_settings* settings, size_t size);
static inline void fovea_model_settings_init(fovea_model_settings* settings) {
    fovea_model_settings_init_sized(settings, sizeof(*settings));
}

/* From a file. settings may be null: the defaults. The file is mapped read-only, checked byte for byte, and used in
 * place; it must not be changed while the model is open. Threads: any. */
FOVEA_API fovea_status fovea_model_load_file(const char* path, const fovea_model_settings* settings,
                                             fovea_model** model);

/* From an open file: length bytes from offset (an Android asset), length 0 = to the end. The descriptor may be closed
 * afterwards. Else as fovea_model_load_file. Threads: any. */
FOVEA_API fovea_status fovea_model_load_descriptor(int descriptor, uint64_t offset, uint64_t length,
                                                   const fovea_model_settings* settings, fovea_model** model);

typedef enum fovea_ownership {
    FOVEA_COPY = 0,  /* the library takes a copy */
    FOVEA_BORROW = 1, /* data must outlive the model and be 64-byte aligned */
    FOVEA_OWNERSHIP_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_ownership;

/* From memory, which is checked and used as a file is. Threads: any. */
FOVEA_API fovea_status fovea_model_load_memory(const void* data, size_t data_size, fovea_ownership ownership,
                                               const fovea_model_settings* settings, fovea_model** model);

/* Closes the model and sets *model to null; null and pointer to null are fine. Its sessions are closed before, and no
 * call has it. Threads: any, once. */
FOVEA_API void fovea_model_close(fovea_model** model);

typedef struct fovea_model_info {
    size_t size;
    const char* name;
    const char* dtype;          /* of the weights: "fp32", "fp16" or "int8". fp16 run in half precision where the
                                   instruction-set level has it ("neon_fp16"), else in float32. A library that
                                   was set up with -Dint8=disabled refuses files of int8 */
    const char* target;         /* "any_dr", "referable_dr", "grade5", "other" */
    const char* preset;         /* "kaggle_ben_color", ... */
    uint32_t input_height;      /* 0 = any; see default_input_* */
    uint32_t input_width;
    uint32_t input_channels;
    uint32_t default_input_height; /* the size that the network was trained on */
    uint32_t default_input_width;
    uint32_t class_count;
    uint32_t logit_count;       /* as class_count, but 1 for a single sigmoid output */
    uint32_t operating_point_count;
    double temperature;
    uint32_t default_operating_point;
    uint32_t node_count;
    uint32_t tap_count;         /* layer names that can be tapped */
    uint32_t provenance_count;
    uint32_t golden_count;
    uint32_t typicality;        /* 1 = the file has statistics for a screening's typicality */
    uint64_t file_size;
    uint64_t weight_bytes;
} fovea_model_info;

/* Set info->size to sizeof(*info) first. Threads: model. */
FOVEA_API fovea_status fovea_model_describe(const fovea_model* model, fovea_model_info* info);

/* The name of a class; null when index is out of range. Threads: model. */
FOVEA_API const char* fovea_model_class_name(const fovea_model* model, uint32_t index);
/* The name of a layer that can be tapped; null when index is out of range. Threads: model. */
FOVEA_API const char* fovea_model_tap_name(const fovea_model* model, uint32_t index);
/* The name of an operating point; null when index is out of range. threshold may be null. Threads: model. */
FOVEA_API const char* fovea_model_operating_point(const fovea_model* model, uint32_t index, double* threshold);
/* Of a model of five grades, whose operating points above are about referable DR (grade 2 or more): those for any DR (grade 1
 * or more), which are called as the former that they go with. Null when index is out of range. threshold may be null.
 * Threads: model. */
FOVEA_API const char* fovea_model_any_dr_point(const fovea_model* model, uint32_t index, double* threshold);
/* What is known of where the model comes from: a key; null when index is out of range. value may be null. Threads: model. */
FOVEA_API const char* fovea_model_provenance(const fovea_model* model, uint32_t index, const char** value);

/* ---- Session --------------------------------------------------------------------------------- */

/*
 * Holds the plan and the working memory for one input size. One call at a time: while one is not done, every other
 * call of the same session, be it from one of its callbacks or from another thread, gets FOVEA_ERROR_BUSY and changes
 * nothing (fovea_session_step_times then returns 0, fovea_session_profile and fovea_session_close do nothing, and
 * *session is not set to null).
 *
 * After fork() the child may use and close the session as the parent may, each with memory of its own, save for a
 * workspace that the caller made shared. The session's threads are not in the child: there its calls run on the
 * calling thread alone, to the same bits. A session that another thread of the parent was using at that moment stays busy in the
 * child.
 */
typedef struct fovea_session fovea_session;

typedef struct fovea_session_settings {
    size_t size;
    uint32_t input_height;    /* 0 (default) = the model's default input size; both or neither */
    uint32_t input_width;
    uint32_t threads;         /* default 1; 1 to 64. Results are the same to the bit for every number */
    int typicality;           /* default 1 = keep what a screening's typicality needs, where the model has statistics for
                                 this input size; 0 = a session that only runs: it may need less memory */
    const char* isa;          /* default null = the best this CPU has; else a name fovea_isa_name gives: a cap */
    void* workspace;          /* default null; else memory for the run, 64-byte aligned, kept by the caller until
                                 the session is closed */
    size_t workspace_size;    /* at least what fovea_session_workspace_size says */
    fovea_allocator allocator; /* default: the C library */
    fovea_log log;            /* default: silent */
    int (*cancel)(void* cookie); /* default null; asked on the calling thread while the session is planned, while a photo
                                    is decoded (in a JPEG before each row of blocks of each scan; in a PNG before each
                                    pass over the whole picture, which takes seconds where it is the largest allowed),
                                    each time that about a million pixels (of filters, fewer) have been copied, made the
                                    network's picture or drawn on, and before each layer or part of a layer of some 64
                                    million multiply-adds: non-zero stops the call with FOVEA_ERROR_CANCELLED */
    void* cancel_cookie;
    const char* const* taps;  /* default null; names of layers whose outputs are kept until the next run */
    uint32_t tap_count;
    uint32_t max_image_side;  /* default 16384 pixels; of photos, and of each picture on a preset's way to its result */
    uint64_t max_image_pixels; /* default 100 million; of the same */
    uint64_t max_decode_bytes; /* default 1 GiB: working memory of the decoder, the picture included */
    uint64_t max_workspace_bytes; /* default 1 GiB: of the workspace that the library takes where the caller gives
                                     none; a session that needs more is FOVEA_ERROR_MEMORY_LIMIT */
} fovea_session_settings;

/* As fovea_model_settings_init_sized and fovea_model_settings_init. Threads: any. */
FOVEA_API void fovea_session_settings_init_sized(fovea_session_settings* settings, size_t size);
static inline void fovea_session_settings_init(fovea_session_settings* settings) {
    fovea_session_settings_init_sized(settings, sizeof(*settings));
}

/* The exact number of bytes of workspace that a session with these settings runs in; nothing is created. settings may be
 * null: the defaults. Fails as fovea_session_create does where no such session can be. Threads: model. */
FOVEA_API fovea_status fovea_session_workspace_size(const fovea_model* model, const fovea_session_settings* settings,
                                                    size_t* bytes);

/*
 * Plans the network for an input size, takes the working memory and starts the threads: afterwards runs neither plan nor
 * allocate. settings may be null: the defaults. Of settings nothing is needed afterwards but the workspace and what the
 * hooks use. The model must stay open until the session is closed; any number of sessions may share it. On failure
 * *session is null:
 *   FOVEA_ERROR_INVALID_ARGUMENT     a setting is out of range, or the settings are not initialised
 *   FOVEA_ERROR_UNSUPPORTED_ISA      no instruction set of this CPU and build has the name isa
 *   FOVEA_ERROR_UNKNOWN_TAP          the model has no layer of a tap's name
 *   FOVEA_ERROR_INPUT_SIZE           the network cannot run at the size
 *   FOVEA_ERROR_WORKSPACE_TOO_SMALL  workspace_size is less than fovea_session_workspace_size says
 *   FOVEA_ERROR_MEMORY_LIMIT         more is needed than max_workspace_bytes
 *   FOVEA_ERROR_OUT_OF_MEMORY        the allocator gave null, or a thread cannot be started
 *   FOVEA_ERROR_CANCELLED            cancel said so
 * Threads: model.
 */
FOVEA_API fovea_status fovea_session_create(const fovea_model* model, const fovea_session_settings* settings,
                                            fovea_session** session);

/* Closes the session and sets *session to null; null and pointer to null are fine. Does nothing while the session is
 * busy. Threads: session; the last call. */
FOVEA_API void fovea_session_close(fovea_session** session);

typedef struct fovea_session_info {
    size_t size;
    uint32_t input_height;
    uint32_t input_width;
    uint32_t input_channels;
    uint32_t threads;
    const char* isa;          /* the level in force: "avx2", "neon", "neon_fp16", "scalar", ... */
    size_t workspace_bytes;   /* as fovea_session_workspace_size */
    uint64_t multiply_adds;   /* of one run */
} fovea_session_info;

/* Set info->size to sizeof(*info) first. Threads: session. */
FOVEA_API fovea_status fovea_session_describe(const fovea_session* session, fovea_session_info* info);

/* The plan as text (segments, bands, steps, kernels, shapes, places in the workspace), line by line to write.
 * Threads: session. */
FOVEA_API fovea_status fovea_session_print_plan(const fovea_session* session,
                                                void (*write)(void* cookie, const char* line), void* cookie);

/* ---- Run: raw network input ------------------------------------------------------------------ */

typedef enum fovea_dtype {
    FOVEA_U8 = 0,
    FOVEA_F32 = 1,
    FOVEA_DTYPE_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_dtype;

/*
 * Runs the network once on input_height x input_width x input_channels values of the pixel range 0 to 255
 * (the file's own rescaling follows). logits and probabilities receive logit_count and class_count floats; either may
 * be null. probabilities are at temperature 1, as the training framework gives them. Floats may leave the pixel range, for
 * experiments, but must be finite, else FOVEA_ERROR_INVALID_ARGUMENT. Results that are not finite numbers are
 * FOVEA_ERROR_INVALID_ARGUMENT where the input leaves the pixel range, else FOVEA_ERROR_BAD_MODEL; the taps are the run's all
 * the same. What overflows inside and does not show in the results (far out of the range: 1e30, say, or 1e5 in half precision)
 * goes unnoticed. Allocates nothing. Threads: session.
 */
FOVEA_API fovea_status fovea_run(fovea_session* session, const void* input, fovea_dtype dtype, float* logits,
                                 float* probabilities);

typedef struct fovea_tensor {
    size_t size;
    const float* data;
    uint32_t height, width, channels;
    uint32_t reserved;
} fovea_tensor;

/* A tapped layer's output of the last run: height x width x channels floats, valid until the next run. Set tensor->size
 * to sizeof(*tensor) first. Threads: session. */
FOVEA_API fovea_status fovea_session_tap(const fovea_session* session, const char* name, fovea_tensor* tensor);

typedef struct fovea_step_time {
    size_t size;
    const char* name;   /* layer */
    const char* kernel; /* kernel variant */
    double seconds;
    uint64_t multiply_adds;
    uint64_t bytes_read;    /* operands and weights, each once */
    uint64_t bytes_written; /* result */
} fovea_step_time;

/* Whether the steps of later runs are timed. Threads: session. */
FOVEA_API void fovea_session_profile(fovea_session* session, int on);
/* Seconds per step of the last run on the calling thread, for benches: writes up to capacity entries, returns how many
 * steps there are. Set times[0].size to sizeof(*times) first: it is the distance from entry to entry. Timing is off (and
 * this returns 0) unless fovea_session_profile(session, 1) was called. Threads: session. */
FOVEA_API uint32_t fovea_session_step_times(const fovea_session* session, fovea_step_time* times, uint32_t capacity);

/* Runs the file's golden vectors through this session's plan: FOVEA_ERROR_SELFTEST_FAILED when a logit is further off than
 * the file's tolerance. worst_difference may be null. Needs a session at the golden vectors' size. A model without
 * golden vectors gives FOVEA_ERROR_UNSUPPORTED_MODEL. Threads: session. */
FOVEA_API fovea_status fovea_selftest(fovea_session* session, double* worst_difference);

/* ---- Pictures -------------------------------------------------------------------------------- */

typedef enum fovea_pixel_format {
    FOVEA_RGB = 0,
    FOVEA_RGBA = 1, /* alpha is put on black */
    FOVEA_BGR = 2,
    FOVEA_BGRA = 3,
    FOVEA_GRAY = 4,
    FOVEA_NV12 = 5,   /* two planes: Y; U and V in turn, one pair for two by two pixels */
    FOVEA_NV21 = 6,   /* the same with V before U */
    FOVEA_YUV420 = 7, /* three planes: Y, U, V, the latter two of half the width and height. Android's YUV_420_888 */
    FOVEA_PIXEL_FORMAT_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_pixel_format;

/* What Y, U and V mean, to the integer:
 * limited (Y 16 to 235): with y = max(Y - 16, 0) * 1220542 + 2^19, u = U - 128 and v = V - 128, red is
 *   (y + 1673527 v) >> 20, green (y - 852492 v - 409993 u) >> 20, blue (y + 2116026 u) >> 20, within 0 to 255: as OpenCV's
 *   COLOR_YUV2RGB_NV12 and its kin;
 * full (Y 0 to 255): red is Y + ((91881 v + 2^15) >> 16), green Y + ((-46802 v - 22554 u + 2^15) >> 16), blue
 *   Y + ((116130 u + 2^15) >> 16), within 0 to 255: as libjpeg.
 * The U and V of a pixel are those of its block of two by two pixels; of odd widths and heights the last block is
 * narrower or lower. */
typedef enum fovea_yuv {
    FOVEA_YUV_NONE = 0,          /* the formats of red, green and blue, and gray */
    FOVEA_YUV_BT601_LIMITED = 1, /* most video */
    FOVEA_YUV_BT601_FULL = 2,    /* JFIF: what Android's cameras give */
    FOVEA_YUV_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_yuv;

/* Camera or decoded pixels of the caller; only the bytes of the pixels themselves are read, never those between or behind them.
 * In an all-zero struct only size, format, width, height, planes, strides and, for YUV formats, yuv are to be set. */
typedef struct fovea_pixels {
    size_t size;
    fovea_pixel_format format;
    uint32_t width, height;   /* of the stored rows, before rotation */
    uint32_t rotation;        /* 0, 90, 180 or 270: how far to turn the picture clockwise to stand upright */
    uint32_t mirror;          /* 1 = then to be mirrored, left to right; else 0 */
    fovea_yuv yuv;            /* of the YUV formats; there is no default */
    const uint8_t* planes[3]; /* first pixel of each plane that the format has, else null */
    size_t strides[3];        /* bytes from row to row of each plane */
    size_t pixel_strides[3];  /* bytes from pixel to pixel of each plane, from pair to pair in NV12 and NV21; 0 = they touch */
    size_t plane_sizes[3];    /* bytes from planes[i] on that may be read; a picture that has more is refused. 0 = not said */
} fovea_pixels;

/* An RGB picture owned by the library, rows packed (stride 3 * width); free it with fovea_image_free. Set size to
 * sizeof(fovea_image) before it is given to a call; it holds no picture then, or that picture is lost. */
typedef struct fovea_image {
    size_t size;
    uint8_t* data;
    uint32_t width, height;
    void* owner; /* private */
} fovea_image;

/* Frees the picture and sets all but size to zero; null is fine. Threads: any, once. */
FOVEA_API void fovea_image_free(fovea_image* image);

/* Decodes a JPEG or PNG as the screening does: 8-bit RGB, upright (EXIF, or else XMP), in sRGB (ICC profiles of a matrix
 * and curves; a PNG's gAMA and cHRM; Adobe RGB by EXIF), alpha put on black. A profile of another kind, and bytes
 * behind a JPEG's data that belong to nothing, are told to the log as warnings. Uses the session settings' limits,
 * allocator, log and cancel; settings may be null. Threads: any. */
FOVEA_API fovea_status fovea_decode(const void* data, size_t data_size, const fovea_session_settings* settings,
                                    fovea_image* image);

typedef struct fovea_preset {
    size_t size;
    const char* name;      /* "none", "kaggle_ben_color" (default), "kaggle_circle", "kaggle_circle_v2", "graham2015", "eyeq" */
    uint32_t output_size;  /* side of the square result in pixels, default 512; 0 = native, not of none and kaggle_ben_color */
    uint32_t tolerance;    /* of the box crop, default 7 */
    double sigma;          /* 0 (default) = the preset's own */
    int circle_mask;       /* kaggle_ben_color: default 1 */
    int gray_swapped;      /* default 0; 1 = red and blue weights swapped as in popular BGR notebooks */
    int pad_square;        /* default 0; 1 = pad the crop to a square before resizing */
    uint32_t scaled_decoding; /* of JPEG files: 0 (default) = at full size; 2 to 16 = at the smallest of 1/1, 1/2, 1/4 and 1/8 at
                                 which what is cut out keeps so many times output_size pixels, and at half of that where it is
                                 still large. Of none, kaggle_ben_color and eyeq with cv_area alone */
    const char* resize;    /* "cv_linear" (default), "cv_area" */
    double graham_scale;   /* graham2015: radius of the disc in pixels, default 300 */
} fovea_preset;

/* As fovea_model_settings_init_sized and fovea_model_settings_init. Threads: any. */
FOVEA_API void fovea_preset_init_sized(fovea_preset* preset, size_t size);
static inline void fovea_preset_init(fovea_preset* preset) {
    fovea_preset_init_sized(preset, sizeof(*preset));
}

/* The model's own preset, for its default input size. Set preset->size to sizeof(*preset) first. Threads: model. */
FOVEA_API fovea_status fovea_model_preset(const fovea_model* model, fovea_preset* preset);

/* Names of the presets; null when index is out of range. Threads: any. */
FOVEA_API const char* fovea_preset_name(uint32_t index);

/* Pixels, turned upright, to the picture that the network sees. settings (limits, allocator, log) may be null. Threads: any. */
FOVEA_API fovea_status fovea_preprocess(const fovea_pixels* pixels, const fovea_preset* preset,
                                        const fovea_session_settings* settings, fovea_image* image);
/* The same of a whole JPEG or PNG file, decoded as a screening decodes it. Threads: any. */
FOVEA_API fovea_status fovea_preprocess_bytes(const void* data, size_t data_size, const fovea_preset* preset,
                                              const fovea_session_settings* settings, fovea_image* image);

/* ---- Screening ------------------------------------------------------------------------------- */

/* A library that was set up with -Dscreening=disabled has none of this section's calls: a program that calls one is not linked. */

typedef enum fovea_quality {
    FOVEA_QUALITY_GOOD = 0,
    FOVEA_QUALITY_USABLE = 1,
    FOVEA_QUALITY_REJECT = 2,
    FOVEA_QUALITY_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_quality;

/* "good", "usable", "reject"; "unknown" for values outside the enum. Threads: any. */
FOVEA_API const char* fovea_quality_string(fovea_quality quality);

typedef struct fovea_quality_check {
    const char* name;
    double value;
    double limit;
    int limit_is_minimum; /* passed when value >= limit; otherwise when value <= limit */
    int passed;
    const char* advice;   /* a sentence for the photographer; "" when passed */
} fovea_quality_check;

#define FOVEA_MAX_QUALITY_CHECKS 24
#define FOVEA_MAX_CLASSES 16
#define FOVEA_MAX_ANSWERS 2

/* Is the photo like those that the model knows? A share of the model's own photos were less typical than this one: under
 * the model's two limits (5 and 1 % as a rule) it is atypical, or rejected. */
typedef enum fovea_typicality {
    FOVEA_TYPICALITY_NOT_MEASURED = 0, /* no statistics in the model for this input size, or the network did not run */
    FOVEA_TYPICALITY_TYPICAL = 1,
    FOVEA_TYPICALITY_ATYPICAL = 2,
    FOVEA_TYPICALITY_REJECT = 3,
    FOVEA_TYPICALITY_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_typicality;

/* "not_measured", "typical", "atypical", "reject"; static. Threads: any. */
FOVEA_API const char* fovea_typicality_string(fovea_typicality typicality);

typedef enum fovea_result {
    FOVEA_RESULT_NOT_GRADABLE = 0,
    FOVEA_RESULT_NO_DR_SIGNS_FOUND = 1,
    FOVEA_RESULT_DR_SIGNS_FOUND = 2,
    FOVEA_RESULT_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_result;

/* "not_gradable", "no_dr_signs_found", "dr_signs_found"; "unknown" for values outside the enum. Threads: any. */
FOVEA_API const char* fovea_result_string(fovea_result result);

typedef struct fovea_screen_options {
    size_t size;
    const char* operating_point; /* default null = the model's default */
    int force;                   /* default 0; 1 = give a result for photos of rejected quality or typicality too (forced is
                                    set) */
    uint32_t views;              /* default 1 (as 0): the logits are the network's of the photo as it is. 2: the means of its logits of that
                                    and of its mirror image; 4: of the photo in its four turns; 8: of these and their mirror images, so
                                    that a photo gets the same answer however it is turned or mirrored, at the price of eight runs.
                                    Operating points and temperature are the model's own. Typicality, taps and an explanation are of
                                    the photo as it is alone. Others are FOVEA_ERROR_INVALID_ARGUMENT */
    struct fovea_explainer* explainer;     /* default null; else one of the same model, by which a photo that gets a result is explained, at
                                              last. The call has it meanwhile: FOVEA_ERROR_BUSY where another has */
    struct fovea_explanation* explanation; /* with an explainer: receives what that makes of the photo; its map is null where there is no
                                              result to explain. Set its size */
} fovea_screen_options;

/* As fovea_model_settings_init_sized and fovea_model_settings_init. Threads: any. */
FOVEA_API void fovea_screen_options_init_sized(fovea_screen_options* options, size_t size);
static inline void fovea_screen_options_init(fovea_screen_options* options) {
    fovea_screen_options_init_sized(options, sizeof(*options));
}

/* What a screening says to one question. */
typedef struct fovea_answer {
    const char* target;          /* "any_dr" (grade 1 or more) or "referable_dr" (grade 2 or more) */
    double score;                /* the probability compared with the threshold */
    const char* operating_point;
    double threshold;
    fovea_result result;
    uint32_t reserved;
} fovea_answer;

typedef struct fovea_screening {
    size_t size;
    uint32_t image_width, image_height; /* upright */
    fovea_quality quality;
    uint32_t quality_check_count;
    fovea_quality_check quality_checks[FOVEA_MAX_QUALITY_CHECKS];
    fovea_result result;
    int forced;                 /* a result was given although the quality or the typicality is reject */
    int has_scores;             /* the network ran: the fields below are valid */
    uint32_t class_count;       /* classes of the model, at most FOVEA_MAX_CLASSES */
    uint32_t logit_count;
    float logits[FOVEA_MAX_CLASSES];
    float probabilities[FOVEA_MAX_CLASSES]; /* after temperature */
    uint32_t predicted_class;   /* largest probability, the lowest index on ties */
    double confidence;          /* its probability */
    double positive_score;      /* probability compared with the threshold: that DR is present */
    const char* operating_point;
    double threshold;
    double temperature;
    double decode_ms, quality_ms, preprocess_ms, infer_ms;
    fovea_typicality typicality;
    uint32_t reserved;
    double typicality_score;      /* Mahalanobis score, <= 0, of the layer that finds the photo least typical */
    double typicality_percentile; /* 0 to 100: of the model's own photos this many per cent were less typical */
    double explain_ms;            /* 0 where nothing was explained */
    uint32_t answer_count;        /* questions that the scores answer, the one of `result` the last: one, or of grade5 two, any DR
                                     and referable DR, if the model has an operating point of this name for both; 0 without scores */
    uint32_t grade;               /* of grade5 the highest grade that is reached or exceeded with a probability of a half or
                                     more, 0 to 4: predicted_class, the likeliest, may be another */
    fovea_answer answers[FOVEA_MAX_ANSWERS];
} fovea_screening;

/* The whole path. The model must have a target of any_dr, referable_dr or grade5 and at most FOVEA_MAX_CLASSES
 * classes; for grade5 the score is the probability of grade 2 or more, and `answers` tells of any DR too. A photo of rejected
 * quality is FOVEA_OK with FOVEA_RESULT_NOT_GRADABLE, and so is one of rejected typicality, which has scores all the same.
 * options may be null.
 * data is a whole JPEG or PNG file. Set screening->size to sizeof(*screening) first. Threads: session. */
FOVEA_API fovea_status fovea_screen_bytes(fovea_session* session, const void* data, size_t data_size,
                                          const fovea_screen_options* options, fovea_screening* screening);
/* The same for pixels. Threads: session. */
FOVEA_API fovea_status fovea_screen_pixels(fovea_session* session, const fovea_pixels* pixels,
                                           const fovea_screen_options* options, fovea_screening* screening);

/* ---- Explanations ------------------------------------------------------------------------------ */

/* A library that was set up with -Dexplain=disabled has none of this section's calls: a program that calls one is not linked. */

/*
 * Where the network looked: how a number that it gives changes with each pixel. Such maps are noisy, they outline no lesions, and they
 * are not validated for any clinical use.
 *
 *     fovea_explainer* explainer = NULL;
 *     fovea_explain_settings settings;
 *     fovea_explanation explanation = {.size = sizeof(explanation)};
 *     fovea_explain_settings_init(&settings);
 *     status = fovea_explainer_create(model, NULL, &settings, &explainer);
 *     if (status == FOVEA_OK) status = fovea_explain(explainer, pixels, FOVEA_U8, NULL, &explanation);
 *     // explanation.map: explanation.height x width x channels floats
 *     fovea_explainer_close(&explainer);
 *
 * An explainer holds the plan and the working memory of a forward and a backward pass, apart from any session's. It
 * takes calls as a session does, one at a time; results are the same to the bit for every number of threads; fork() as there.
 * Gradients are computed in float32. Of a model whose weights are halves the forward pass is the session's, in halves where the
 * instruction set has them. A model of 8-bit integers answers in these, but they have no gradients: its maps are of its weights turned back
 * into floats, which the explainer holds beside the workspace, four bytes a weight, and of what such a network makes of the input.
 */
typedef struct fovea_explainer fovea_explainer;

typedef enum fovea_explain_method {
    FOVEA_EXPLAIN_GRADIENT = 0,             /* of the scalar by each of the input's values */
    FOVEA_EXPLAIN_SMOOTH_GRADIENT = 1,      /* SmoothGrad: the mean of gradients at noisy copies of the input */
    FOVEA_EXPLAIN_INTEGRATED_GRADIENTS = 2, /* from a baseline to the input, times their difference */
    FOVEA_EXPLAIN_GRAD_CAM = 3,             /* of a layer: its channels weighted by their mean gradients, negative sums as 0 */
    FOVEA_EXPLAIN_ATTENTION = 4,            /* the network's own: the gate, 0 to 1, by which it weights the places of a map. It says where,
                                               not which way or how much of the answer */
    FOVEA_EXPLAIN_OCCLUSION = 5,            /* by how much the scalar falls where a square is covered, mean over the squares that cover a
                                               pixel. Runs forward alone, once a square; of a model of 8-bit integers in these, as does
                                               attention */
    FOVEA_EXPLAIN_METHOD_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_explain_method;

/* Of the logits, at temperature 1. */
typedef enum fovea_explain_scalar {
    FOVEA_SCALAR_MARGIN = 0,      /* log of the odds of the class against all others; of two classes the logits' difference */
    FOVEA_SCALAR_LOSS = 1,        /* cross-entropy with the class as the truth */
    FOVEA_SCALAR_LOGIT = 2,       /* of the class */
    FOVEA_SCALAR_PROBABILITY = 3, /* of the class */
    FOVEA_SCALAR_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_explain_scalar;

/* The class of a margin is then what counts as positive (DR; of grades, 2 and more), that of the others the predicted one. */
#define FOVEA_DEFAULT_CLASS 0xFFFFFFFFu

typedef struct fovea_explain_settings {
    size_t size;
    fovea_explain_method method; /* default FOVEA_EXPLAIN_INTEGRATED_GRADIENTS, whose maps point at lesions best (the detectors' model
                                    cards say how well), at the price of `steps` gradients, each some three times the work of a run.
                                    FOVEA_EXPLAIN_GRADIENT takes one */
    fovea_explain_scalar scalar; /* default FOVEA_SCALAR_MARGIN */
    uint32_t target_class;       /* default FOVEA_DEFAULT_CLASS */
    uint32_t samples;            /* SmoothGrad: default 25; 1 to 10000 */
    const char* layer;           /* Grad-CAM, attention: a name that fovea_model_tap_name gives; default null = the last map of several
                                    channels, and the last gate, the map of one channel that all channels of another are multiplied by.
                                    Other methods do not look at it */
    double noise;                /* SmoothGrad: standard deviation as a part of the input's range, default 0.15; 0 to 10 */
    uint64_t seed;               /* SmoothGrad: default 1; the same seed gives the same noise */
    uint32_t steps;              /* integrated gradients: midpoints on the way, default 16; 1 to 10000 */
    uint32_t reserved;
    double baseline;             /* integrated gradients: the value, 0 to 255, that the way begins at everywhere; default 128, which
                                    the Ben Graham presets make of what shows nothing. Occlusion: what the squares are covered with */
    const float* baseline_values; /* default null; else as many as the input has, where the way begins instead; kept by the caller until
                                     the explainer is closed */
    uint32_t patch;              /* occlusion: side of the squares in pixels of the input; 0 (default) = an eighth of its shorter side */
    uint32_t stride;             /* occlusion: from square to square; 0 (default) = half a side. At most 10000 squares in all */
} fovea_explain_settings;

/* As fovea_model_settings_init_sized and fovea_model_settings_init. Threads: any. */
FOVEA_API void fovea_explain_settings_init_sized(fovea_explain_settings* settings, size_t size);
static inline void fovea_explain_settings_init(fovea_explain_settings* settings) {
    fovea_explain_settings_init_sized(settings, sizeof(*settings));
}

/* The exact number of bytes of workspace that an explainer with these settings runs in; nothing is created. Both settings may be null;
 * the session's taps are not looked at. Fails as fovea_explainer_create does. Threads: model. */
FOVEA_API fovea_status fovea_explainer_workspace_size(const fovea_model* model, const fovea_session_settings* session_settings,
                                                      const fovea_explain_settings* settings, size_t* bytes);

/* Plans and takes the memory. Both settings may be null: the defaults. An unknown layer is FOVEA_ERROR_UNKNOWN_TAP, a model without
 * gate (for attention) FOVEA_ERROR_UNSUPPORTED_MODEL. Threads: model. */
FOVEA_API fovea_status fovea_explainer_create(const fovea_model* model, const fovea_session_settings* session_settings,
                                              const fovea_explain_settings* settings, fovea_explainer** explainer);

/* Closes the explainer and sets *explainer to null; null and pointer to null are fine. Does nothing while it is busy.
 * Threads: session. */
FOVEA_API void fovea_explainer_close(fovea_explainer** explainer);

typedef struct fovea_explanation {
    size_t size;
    const float* map;         /* height x width x channels, of the explainer, valid until its next call. For gradients and their kin
                                 that of the input, at its pixel values, neither reduced nor scaled; for Grad-CAM and attention
                                 the layer's height and width, for occlusion the input's, of 1 channel */
    uint32_t height, width, channels;
    uint32_t target_class;    /* that the scalar is of; of a margin the first of the positive classes */
    uint32_t predicted_class; /* largest probability, the lowest index on ties */
    uint32_t weights_as_floats; /* 1: the model computes in 8-bit integers, and the map is of its weights turned back into floats; logits,
                                   classes and scalar are the model's own */
    double scalar;            /* its value at the input */
    double completeness_gap;  /* integrated gradients: the map's sum less the scalar's difference, as a part of that; else 0. Large
                                 where steps are too few or the function bends on the way */
    const uint8_t* picture;   /* what the network saw: height x width x 3 of its input, RGB; of fovea_explain the caller's own input
                                 if that is of bytes and 3 channels, else null; of fovea_explain_photo the explainer's */
    double photo_x, photo_y;  /* the map shows this rectangle of the photo, in pixels from the outer edge of its first; it may reach */
    double photo_width, photo_height; /* beyond the photo. Of fovea_explain the whole input */
} fovea_explanation;

/* Explains what the network makes of one input, as fovea_run takes it. logits (null, or logit_count floats) receive the same bits as
 * fovea_run gives in a session of the same settings. Allocates nothing. Input that is not finite, and results and maps that are not, are
 * refused as fovea_run does: where neither the input nor the method's baseline leaves the pixel range, FOVEA_ERROR_BAD_MODEL. A baseline
 * that is not finite is FOVEA_ERROR_INVALID_ARGUMENT. Threads: session. */
FOVEA_API fovea_status fovea_explain(fovea_explainer* explainer, const void* input, fovea_dtype dtype, float* logits,
                                     fovea_explanation* explanation);

/* The same of an upright photo, made what the network sees by the model's preset. Takes memory for pictures, within the session settings'
 * limits. Nothing judges the photo's quality: ask a screening first. Threads: session. */
FOVEA_API fovea_status fovea_explain_photo(fovea_explainer* explainer, const fovea_pixels* photo, float* logits,
                                           fovea_explanation* explanation);
/* The same of a whole JPEG or PNG file, decoded as a screening decodes it. Threads: session. */
FOVEA_API fovea_status fovea_explain_bytes(fovea_explainer* explainer, const void* data, size_t data_size, float* logits,
                                           fovea_explanation* explanation);

/* How the channels of a gradient become one number: by their absolute values. */
typedef enum fovea_map_reduction {
    FOVEA_REDUCE_MAX = 0,
    FOVEA_REDUCE_SUM = 1,
    FOVEA_REDUCE_L2 = 2,
    FOVEA_MAP_REDUCTION_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_map_reduction;

/* OpenCV's colours of the same names. */
typedef enum fovea_map_colors {
    FOVEA_COLORS_JET = 0,
    FOVEA_COLORS_VIRIDIS = 1,
    FOVEA_MAP_COLORS_ANY_INT_ = -0x7FFFFFFF - 1
} fovea_map_colors;

typedef struct fovea_heat_map_settings {
    size_t size;
    fovea_map_reduction reduction; /* default FOVEA_REDUCE_MAX */
    fovea_map_colors colors;       /* default FOVEA_COLORS_JET */
    double percentile;             /* default 99: of the values, what becomes 1; 100 = the largest. Above 0 */
    double opacity;                /* default 0.4; 0 to 1: of the colours on a picture */
    int opacity_follows_map;       /* default 0; 1 = times the map's value, so that what does not matter keeps its look */
    int unmasked;                  /* default 0: where the network saw black alone, the map is 0 before it is scaled; 1 = as it is */
} fovea_heat_map_settings;

/* As fovea_model_settings_init_sized and fovea_model_settings_init. Threads: any. */
FOVEA_API void fovea_heat_map_settings_init_sized(fovea_heat_map_settings* settings, size_t size);
static inline void fovea_heat_map_settings_init(fovea_heat_map_settings* settings) {
    fovea_heat_map_settings_init_sized(settings, sizeof(*settings));
}

/* The explanation's map reduced, masked and scaled to 0 to 1: values receives height x width floats; of a map that is the same everywhere
 * all 0. settings may be null: the defaults. Threads: any, while nobody calls the explainer. */
FOVEA_API fovea_status fovea_heat_map(const fovea_explanation* explanation, const fovea_heat_map_settings* settings, float* values);

/* values, as fovea_heat_map gives them, in colours over the photo that was explained, or over the network's input, where the map lies
 * on it. Both settings may be null. Threads: any. */
FOVEA_API fovea_status fovea_heat_map_overlay(const fovea_explanation* explanation, const float* values, const fovea_pixels* photo,
                                              const fovea_heat_map_settings* settings,
                                              const fovea_session_settings* session_settings, fovea_image* image);

/* The plan as text, as fovea_session_print_plan. Threads: session. */
FOVEA_API fovea_status fovea_explainer_print_plan(const fovea_explainer* explainer,
                                                  void (*write)(void* cookie, const char* line), void* cookie);

/* ---- Kernels --------------------------------------------------------------------------------- */

/* Instruction-set levels that this CPU can run, weakest first; null when index is out of range. Threads: any. */
FOVEA_API const char* fovea_isa_name(uint32_t index);

typedef struct fovea_kernel {
    size_t size;
    const char* operation;
    const char* variant;
    int available; /* this CPU has what it needs */
    int chosen;    /* the best of its operation under the cap asked for. Of operations on halves (fp16), which are used where the
                      CPU has all of them, there may be none: networks of halves are then computed in floats */
} fovea_kernel;

/* Writes up to capacity rows, sets *count to how many there are. Set kernels[0].size to sizeof(*kernels) first: it is the
 * distance from row to row. isa null = no cap. Threads: any. */
FOVEA_API fovea_status fovea_kernels(const char* isa, fovea_kernel* kernels, uint32_t capacity, uint32_t* count);

#ifdef __cplusplus
}
#endif

#endif /* FOVEA_FOVEA_H */
