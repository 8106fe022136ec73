/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a network on pixels as they are. cc -std=c99 run.c $(pkg-config --cflags --libs --static fovea) -o run */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>

/* One byte a value, as many as the input has, from a file; null when it is too short. */
static unsigned char* read_input(const char* path, const fovea_session_info* info) {
    const size_t size = (size_t)info->input_height * info->input_width * info->input_channels;
    unsigned char* bytes = malloc(size);
    FILE* file = fopen(path, "rb");
    const size_t read = bytes != NULL && file != NULL ? fread(bytes, 1, size, file) : 0;
    if (file != NULL) fclose(file);
    if (read == size) return bytes;
    free(bytes);
    return NULL;
}

int main(int argc, char** argv) {
    fovea_model* model = NULL;
    fovea_session* session = NULL;
    fovea_session_settings settings;
    fovea_model_info model_info = {.size = sizeof(model_info)};
    fovea_session_info info = {.size = sizeof(info)};
    fovea_status status;
    unsigned char* input = NULL;
    float* logits = NULL;
    uint32_t i;
    if (argc != 3) {
        fprintf(stderr, "usage: run MODEL.fovea PIXELS (height x width x channels bytes)\n");
        return 2;
    }
    fovea_session_settings_init(&settings);
    settings.typicality = 0;
    status = fovea_model_load_file(argv[1], NULL, &model);
    if (status == FOVEA_OK) status = fovea_model_describe(model, &model_info);
    if (status == FOVEA_OK) status = fovea_session_create(model, &settings, &session);
    if (status == FOVEA_OK) status = fovea_session_describe(session, &info);
    if (status == FOVEA_OK) {
        input = read_input(argv[2], &info);
        logits = malloc(model_info.logit_count * sizeof(float));
        status = input != NULL && logits != NULL ? fovea_run(session, input, FOVEA_U8, logits, NULL) : FOVEA_ERROR_IO;
    }
    if (status != FOVEA_OK) fprintf(stderr, "run: %s\n", fovea_status_string(status));
    for (i = 0; status == FOVEA_OK && i < model_info.logit_count; ++i) printf("%.9g\n", logits[i]);
    free(logits);
    free(input);
    fovea_session_close(&session);
    fovea_model_close(&model);
    return status == FOVEA_OK ? 0 : 1;
}
