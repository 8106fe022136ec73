/* SPDX-License-Identifier: Apache-2.0 */
/* Screens a photo and paints where the network looked, as a PPM picture.
 * cc -std=c99 explain.c $(pkg-config --cflags --libs --static fovea) -o explain */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>

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

static int write_picture(const char* path, const fovea_image* image) {
    const size_t bytes = (size_t)image->width * image->height * 3;
    FILE* file = fopen(path, "wb");
    int ok;
    if (file == NULL) return 0;
    fprintf(file, "P6\n%u %u\n255\n", (unsigned)image->width, (unsigned)image->height);
    ok = fwrite(image->data, 1, bytes, file) == bytes;
    return fclose(file) == 0 && ok;
}

/* Whether the photo shows signs, and the overlay of the map on it. */
static fovea_status explain(const fovea_model* model, const void* data, size_t size, fovea_screening* result, fovea_image* overlay) {
    fovea_session* session = NULL;
    fovea_explainer* explainer = NULL;
    fovea_image photo = {.size = sizeof(photo)};
    fovea_pixels pixels = {.size = sizeof(pixels)};
    fovea_explanation explanation = {.size = sizeof(explanation)};
    float* values = NULL;
    fovea_status status = fovea_session_create(model, NULL, &session);
    if (status == FOVEA_OK) status = fovea_decode(data, size, NULL, &photo);
    if (status == FOVEA_OK) {
        pixels.width = photo.width;
        pixels.height = photo.height;
        pixels.planes[0] = photo.data;
        pixels.strides[0] = (size_t)photo.width * 3;
        status = fovea_screen_pixels(session, &pixels, NULL, result);
    }
    if (status == FOVEA_OK) status = fovea_explainer_create(model, NULL, NULL, &explainer);
    if (status == FOVEA_OK) status = fovea_explain_photo(explainer, &pixels, NULL, &explanation);
    if (status == FOVEA_OK) {
        values = malloc((size_t)explanation.width * explanation.height * sizeof(float));
        status = values != NULL ? fovea_heat_map(&explanation, NULL, values) : FOVEA_ERROR_OUT_OF_MEMORY;
    }
    if (status == FOVEA_OK) status = fovea_heat_map_overlay(&explanation, values, &pixels, NULL, NULL, overlay);
    free(values);
    fovea_image_free(&photo);
    fovea_explainer_close(&explainer);
    fovea_session_close(&session);
    return status;
}

int main(int argc, char** argv) {
    fovea_model* model = NULL;
    fovea_screening result = {.size = sizeof(result)};
    fovea_image overlay = {.size = sizeof(overlay)};
    fovea_status status;
    size_t size = 0;
    int written = 0;
    unsigned char* photo = argc == 4 ? read_file(argv[2], &size) : NULL;
    if (photo == NULL) {
        fprintf(stderr, "usage: explain MODEL.fovea PHOTO PICTURE.ppm (a JPEG or PNG that can be read)\n");
        return 2;
    }
    status = fovea_model_load_file(argv[1], NULL, &model);
    if (status == FOVEA_OK) status = explain(model, photo, size, &result, &overlay);
    if (status == FOVEA_OK) {
        printf("result: %s\n", fovea_result_string(result.result));
        written = write_picture(argv[3], &overlay);
    } else {
        fprintf(stderr, "explain: %s\n", fovea_status_string(status));
    }
    fovea_image_free(&overlay);
    fovea_model_close(&model);
    free(photo);
    return written ? 0 : 1;
}
