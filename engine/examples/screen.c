/* SPDX-License-Identifier: Apache-2.0 */
/* Screens one photo. cc -std=c99 screen.c $(pkg-config --cflags --libs --static fovea) -o screen */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>

/* The whole file, to be freed by the caller; null when it cannot be read or is empty. */
static unsigned char* read_file(const char* path, size_t* size) {
    unsigned char* bytes = NULL;
    FILE* file = fopen(path, "rb");
    if (file == NULL) return NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        const long end = ftell(file);
        rewind(file);
        if (end > 0) bytes = malloc((size_t)end);
        if (bytes != NULL) *size = fread(bytes, 1, (size_t)end, file);
    }
    fclose(file);
    return bytes;
}

static void print_line(void* cookie, fovea_log_level level, const char* message) {
    if (level == FOVEA_LOG_ERROR) fprintf(cookie, "screen: %s\n", message);
}

int main(int argc, char** argv) {
    fovea_model* model = NULL;
    fovea_session* session = NULL;
    fovea_session_settings settings;
    fovea_screening result = {.size = sizeof(result)};
    fovea_status status;
    size_t size = 0;
    unsigned char* photo = argc == 3 ? read_file(argv[2], &size) : NULL;
    if (photo == NULL) {
        fprintf(stderr, "usage: screen MODEL.fovea PHOTO (a JPEG or PNG that can be read)\n");
        return 2;
    }
    fovea_session_settings_init(&settings);
    settings.log.write = print_line;
    settings.log.cookie = stderr;
    status = fovea_model_load_file(argv[1], NULL, &model);
    if (status == FOVEA_OK) status = fovea_session_create(model, &settings, &session);
    if (status == FOVEA_OK) status = fovea_screen_bytes(session, photo, size, NULL, &result);
    if (status == FOVEA_OK) {
        printf("quality: %s\n", fovea_quality_string(result.quality));
        printf("result: %s\n", fovea_result_string(result.result));
        if (result.has_scores) printf("confidence: %.2f %%\n", 100.0 * result.confidence);
    } else {
        fprintf(stderr, "screen: %s\n", fovea_status_string(status));
    }
    fovea_session_close(&session);
    fovea_model_close(&model);
    free(photo);
    return status == FOVEA_OK ? 0 : 1;
}
