/* SPDX-License-Identifier: Apache-2.0 */
/* What a program of an older version was compiled with: structs that are shorter than those of engine/include. */
#include <stddef.h>
#include <stdint.h>

typedef int fovea_status;
typedef struct fovea_model fovea_model;
typedef struct fovea_session fovea_session;

typedef struct fovea_allocator {
    void* (*allocate)(void* cookie, size_t size, size_t alignment);
    void (*release)(void* cookie, void* pointer);
    void* cookie;
} fovea_allocator;

typedef struct fovea_model_settings {
    size_t size;
    fovea_allocator allocator;
} fovea_model_settings;

typedef struct fovea_model_info {
    size_t size;
    const char* name;
    const char* dtype;
} fovea_model_info;

typedef struct fovea_session_settings {
    size_t size;
    uint32_t input_height;
    uint32_t input_width;
    uint32_t threads;
    int typicality;
} fovea_session_settings;

typedef struct fovea_pixels {
    size_t size;
    int format;
    uint32_t width, height;
    uint32_t rotation;
    uint32_t mirror;
    int yuv;
    const uint8_t* planes[3];
    size_t strides[3];
} fovea_pixels;

typedef struct fovea_image {
    size_t size;
    uint8_t* data;
    uint32_t width, height;
    void* owner;
} fovea_image;

typedef struct fovea_screen_options {
    size_t size;
    const char* operating_point;
} fovea_screen_options;

typedef struct fovea_quality_check {
    const char* name;
    double value;
    double limit;
    int limit_is_minimum;
    int passed;
    const char* advice;
} fovea_quality_check;

typedef struct fovea_screening {
    size_t size;
    uint32_t image_width, image_height;
    int quality;
    uint32_t quality_check_count;
    fovea_quality_check quality_checks[24];
    int result;
    int forced;
} fovea_screening;

void fovea_model_settings_init_sized(fovea_model_settings* settings, size_t size);
void fovea_session_settings_init_sized(fovea_session_settings* settings, size_t size);
void fovea_screen_options_init_sized(fovea_screen_options* options, size_t size);
fovea_status fovea_model_load_file(const char* path, const fovea_model_settings* settings, fovea_model** model);
fovea_status fovea_model_describe(const fovea_model* model, fovea_model_info* info);
void fovea_model_close(fovea_model** model);
fovea_status fovea_session_create(const fovea_model* model, const fovea_session_settings* settings, fovea_session** session);
void fovea_session_close(fovea_session** session);
fovea_status fovea_decode(const void* data, size_t data_size, const fovea_session_settings* settings, fovea_image* image);
void fovea_image_free(fovea_image* image);
fovea_status fovea_screen_pixels(fovea_session* session, const fovea_pixels* pixels, const fovea_screen_options* options,
                                 fovea_screening* screening);
