/* SPDX-License-Identifier: Apache-2.0 */
/* load_model MODEL.fovea [OFFSET]: loads a model by its path, or from OFFSET of the open file; prints its name. Exit status 1 when that
 * fails, with what the library says on standard error. */
#include <fcntl.h>
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void print_line(void* cookie, fovea_log_level level, const char* message) {
    (void)cookie;
    if (level == FOVEA_LOG_ERROR) fprintf(stderr, "fovea: %s\n", message);
}

int main(int argc, char** argv) {
    fovea_model* model = NULL;
    fovea_model_settings settings;
    fovea_model_info info;
    fovea_status status;
    fovea_model_settings_init(&settings);
    settings.log.write = print_line;
    if (argc == 2) {
        status = fovea_model_load_file(argv[1], &settings, &model);
    } else {
        /* The host's own open, which the library knows nothing of, goes past the shim's. */
        FILE* file = fopen(argv[1], "rb");
        if (file == NULL) {
            fprintf(stderr, "fovea: the test's own open failed\n");
            return 1;
        }
        status = fovea_model_load_descriptor(fileno(file), strtoull(argv[2], NULL, 10), 0, &settings, &model);
        fclose(file);
    }
    if (status != FOVEA_OK) return model == NULL ? 1 : 2;
    info.size = sizeof(info);
    status = fovea_model_describe(model, &info);
    if (status == FOVEA_OK) puts(info.name);
    fovea_model_close(&model);
    return status == FOVEA_OK && model == NULL ? 0 : 2;
}
