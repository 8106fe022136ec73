/* SPDX-License-Identifier: Apache-2.0 */
/* A program of an older version goes on working: it screens a photo, and no byte behind its structs changes. */
#include "older_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 64

/* A struct with bytes behind it that nobody may write. */
#define GUARDED(type, name)                 \
    struct {                                \
        type known;                         \
        unsigned char behind[GUARD];        \
    } name;                                 \
    memset(&name, 0, sizeof(name));         \
    memset(name.behind, 0xA5, GUARD);       \
    name.known.size = sizeof(name.known)

#define IS_WHOLE(name) is_whole(name.behind, #name)

static int is_whole(const unsigned char* behind, const char* name) {
    int i = 0;
    while (i < GUARD && behind[i] == 0xA5) ++i;
    if (i < GUARD) fprintf(stderr, "older_program: the library wrote behind %s\n", name);
    return i == GUARD;
}

static unsigned char* read_file(const char* path, size_t* size) {
    FILE* file = fopen(path, "rb");
    unsigned char* bytes = malloc(1 << 24);
    *size = file != NULL && bytes != NULL ? fread(bytes, 1, 1 << 24, file) : 0;
    if (file != NULL) fclose(file);
    return bytes;
}

int main(int argc, char** argv) {
    GUARDED(fovea_model_settings, model_settings);
    GUARDED(fovea_model_info, info);
    GUARDED(fovea_session_settings, settings);
    GUARDED(fovea_image, image);
    GUARDED(fovea_pixels, pixels);
    GUARDED(fovea_screen_options, options);
    GUARDED(fovea_screening, screening);
    fovea_model* model = NULL;
    fovea_session* session = NULL;
    fovea_status status = 0;
    int whole = 0;
    size_t size = 0;
    unsigned char* photo = argc == 3 ? read_file(argv[2], &size) : NULL;
    if (size == 0) {
        fprintf(stderr, "usage: older_program MODEL.fovea PHOTO\n");
        return 2;
    }
    fovea_model_settings_init_sized(&model_settings.known, sizeof(model_settings.known));
    fovea_session_settings_init_sized(&settings.known, sizeof(settings.known));
    fovea_screen_options_init_sized(&options.known, sizeof(options.known));
    status = fovea_model_load_file(argv[1], &model_settings.known, &model);
    if (status == 0) status = fovea_model_describe(model, &info.known);
    if (status == 0) status = fovea_session_create(model, &settings.known, &session);
    if (status == 0) status = fovea_decode(photo, size, &settings.known, &image.known);
    if (status == 0) {
        pixels.known.width = image.known.width;
        pixels.known.height = image.known.height;
        pixels.known.planes[0] = image.known.data;
        pixels.known.strides[0] = (size_t)image.known.width * 3;
        status = fovea_screen_pixels(session, &pixels.known, &options.known, &screening.known);
    }
    fovea_image_free(&image.known);
    fovea_session_close(&session);
    fovea_model_close(&model);
    free(photo);
    whole = IS_WHOLE(model_settings) & IS_WHOLE(info) & IS_WHOLE(settings) & IS_WHOLE(image) & IS_WHOLE(pixels) &
            IS_WHOLE(options) & IS_WHOLE(screening);
    printf("status %d, %s, %u x %u, %u checks, result %d\n", status, status == 0 ? info.known.dtype : "", screening.known.image_width,
           screening.known.image_height, screening.known.quality_check_count, screening.known.result);
    /* The sample photo has signs: 2. */
    return status == 0 && whole && screening.known.result == 2 && strcmp(info.known.dtype, "fp32") == 0 ? 0 : 1;
}
