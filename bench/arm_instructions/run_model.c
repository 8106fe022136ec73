/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a model under an emulator that counts its instructions (count_plugin.c) and prints, as one JSON object, how many an
 * inference takes: the count of 2 N runs less the count of N runs, over N. Preprocessing is not in it.
 *
 *   run_model MODEL.fovea COUNTER_FILE RUNS [ISA]
 *
 * The engine's own step times give the layers: this program defines the clock that the engine reads, and a second of it is
 * a thousand million instructions.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fovea/fovea.h"

enum { kMarkSyscall = 0x464F56, kMarkReset = 1, kMarkWrite = 2 };

static const volatile uint64_t* counter;

int clock_gettime(clockid_t clock, struct timespec* now) {
    (void)clock;
    const uint64_t count = counter != NULL ? *counter : 0;
    now->tv_sec = (time_t)(count / 1000000000u);
    now->tv_nsec = (long)(count % 1000000000u);
    return 0;
}

static void write_line(void* cookie, fovea_log_level level, const char* message) {
    if (level == FOVEA_LOG_ERROR) fprintf(cookie, "run_model: %s\n", message);
}

static const volatile uint64_t* map_counter(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    const void* page = mmap(NULL, sizeof(uint64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    return page != MAP_FAILED ? page : NULL;
}

/* A smooth picture with some texture, as in model_bench. */
static uint8_t* make_picture(const fovea_session_info* info) {
    const size_t size = (size_t)info->input_height * info->input_width * info->input_channels;
    uint8_t* pixels = malloc(size);
    uint32_t state = 1;
    for (size_t i = 0; pixels != NULL && i < size; ++i) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(96 + i / info->input_channels % info->input_width * 48 / info->input_width + (state >> 27));
    }
    return pixels;
}

static uint64_t count_runs(fovea_session* session, const uint8_t* pixels, float* logits, long runs) {
    const uint64_t start = *counter;
    for (long i = 0; i < runs; ++i) {
        if (fovea_run(session, pixels, FOVEA_U8, logits, NULL) != FOVEA_OK) exit(1);
    }
    return *counter - start;
}

static void print_text(const char* text) {
    putchar('"');
    for (; *text != '\0'; ++text) {
        if (*text == '"' || *text == '\\') putchar('\\');
        if ((unsigned char)*text >= ' ') putchar(*text);
    }
    putchar('"');
}

static void print_steps(fovea_session* session, const uint8_t* pixels, float* logits) {
    fovea_session_profile(session, 1);
    count_runs(session, pixels, logits, 1);
    const uint32_t count = fovea_session_step_times(session, NULL, 0);
    fovea_step_time* steps = calloc(count + 1, sizeof(*steps));
    if (steps == NULL) exit(1);
    steps->size = sizeof(*steps);
    fovea_session_step_times(session, steps, count);
    for (uint32_t i = 0; i < count; ++i) {
        printf("%s{\"name\": ", i > 0 ? ", " : "");
        print_text(steps[i].name);
        printf(", \"kernel\": ");
        print_text(steps[i].kernel);
        printf(", \"instructions\": %.0f, \"multiply_adds\": %" PRIu64 "}", steps[i].seconds * 1e9, steps[i].multiply_adds);
    }
    fovea_session_profile(session, 0);
    free(steps);
}

int main(int argc, char** argv) {
    const long runs = argc >= 4 ? strtol(argv[3], NULL, 10) : 0;
    if (runs < 1 || argc > 5) {
        fprintf(stderr, "usage: run_model MODEL.fovea COUNTER_FILE RUNS [ISA]\n");
        return 2;
    }
    counter = map_counter(argv[2]);
    if (counter == NULL || *counter == 0) {
        fprintf(stderr, "run_model: %s counts nothing: run this under qemu-aarch64 with count_plugin\n", argv[2]);
        return 1;
    }
    fovea_model* model = NULL;
    fovea_session* session = NULL;
    fovea_model_settings model_settings;
    fovea_session_settings settings;
    fovea_model_settings_init(&model_settings);
    fovea_session_settings_init(&settings);
    model_settings.log.write = settings.log.write = write_line;
    model_settings.log.cookie = settings.log.cookie = stderr;
    settings.isa = argc > 4 ? argv[4] : NULL;

    const uint64_t before_load = *counter;
    fovea_status status = fovea_model_load_file(argv[1], &model_settings, &model);
    if (status == FOVEA_OK) status = fovea_session_create(model, &settings, &session);
    const uint64_t after_load = *counter;
    fovea_model_info model_info = {.size = sizeof(model_info)};
    fovea_session_info info = {.size = sizeof(info)};
    if (status == FOVEA_OK) status = fovea_model_describe(model, &model_info);
    if (status == FOVEA_OK) status = fovea_session_describe(session, &info);
    if (status != FOVEA_OK) {
        fprintf(stderr, "run_model: %s: %s\n", argv[1], fovea_status_string(status));
        return 1;
    }
    uint8_t* pixels = make_picture(&info);
    float* logits = calloc(model_info.logit_count + 1, sizeof(float));
    if (pixels == NULL || logits == NULL) return 1;

    const uint64_t first = count_runs(session, pixels, logits, 1);
    const uint64_t once = count_runs(session, pixels, logits, runs);
    syscall(kMarkSyscall, kMarkReset);
    const uint64_t twice = count_runs(session, pixels, logits, 2 * runs);
    syscall(kMarkSyscall, kMarkWrite);
    printf("{\"dtype\": \"%s\", \"isa\": \"%s\", \"height\": %u, \"width\": %u, \"workspace_bytes\": %zu, \"multiply_adds\": %" PRIu64
           ", \"load\": %" PRIu64 ", \"first_run\": %" PRIu64 ", \"runs\": %ld, \"n_runs\": %" PRIu64 ", \"two_n_runs\": %" PRIu64
           ", \"steps\": [",
           model_info.dtype, info.isa, info.input_height, info.input_width, info.workspace_bytes, info.multiply_adds,
           after_load - before_load, first, runs, once, twice);
    print_steps(session, pixels, logits);
    printf("]}\n");
    free(logits);
    free(pixels);
    fovea_session_close(&session);
    fovea_model_close(&model);
    return ferror(stdout) != 0;
}
