/* Reads device and server files: "kerf-device/1", configs/schema/device.json. */
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "kerf/device.h"
#include "model/json/mode_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MODES       64
#define MAX_UNSUPPORTED 1024
#define MAX_NAME        63 /* a plan names the mode in 64 bytes */

static bool out_of_memory(const kerf_json *at)
{
    return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

/* A required text that says something. */
static bool read_text(const kerf_json *object, const char *key, char **text)
{
    const char *value = NULL;
    if (!kerf_json_string(object, key, KERF_REQUIRED, &value))
        return false;
    kerf_json member;
    if (value[0] == '\0' && kerf_json_member(object, key, KERF_REQUIRED, &member))
        return kerf_json_fail(&member, KERF_E_INVALID, "is empty, expected a text");
    *text = kerf_strdup(value);
    if (!*text)
        out_of_memory(object);
    return *text != NULL;
}

static bool read_name(const kerf_json *object, char **name)
{
    kerf_json member;
    if (!read_text(object, "name", name) ||
        !kerf_json_member(object, "name", KERF_REQUIRED, &member))
        return false;
    if (strlen(*name) > MAX_NAME)
        return kerf_json_fail(&member, KERF_E_INVALID,
                              "is %zu characters long, expected at most %d", strlen(*name),
                              MAX_NAME);
    for (const char *c = *name; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == '/')
            return kerf_json_fail(&member, KERF_E_INVALID,
                                  "holds a space, a slash or a control character, expected a "
                                  "plain name such as \"jetson-tx2\"");
    }
    return true;
}

static bool read_unsupported(const kerf_json *root, kerf_device *device)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(root, "unsupported", KERF_OPTIONAL, &array, &n))
        return true;
    if (n > MAX_UNSUPPORTED)
        return kerf_json_fail(&array, KERF_E_INVALID,
                              "lists %zu operator types, expected at most %d", n, MAX_UNSUPPORTED);
    device->unsupported = kerf_calloc(n, sizeof *device->unsupported);
    if (!device->unsupported)
        return out_of_memory(&array);
    for (size_t i = 0; i < n; i++) {
        kerf_json element = kerf_json_at(&array, i);
        const char *type = NULL;
        if (!kerf_json_as_string(&element, &type))
            return false;
        if (type[0] == '\0')
            return kerf_json_fail(&element, KERF_E_INVALID,
                                  "is empty, expected an operator type such as \"Resize\"");
        device->unsupported[i] = kerf_strdup(type);
        if (!device->unsupported[i])
            return out_of_memory(&element);
        device->n_unsupported = i + 1;
    }
    return true;
}

/* What a mode says of itself joins the device's assumptions: "..., Mode maxq: ...". */
static bool add_basis(const kerf_json *mode_json, const char *mode, char **assumptions)
{
    const char *basis = NULL;
    if (!kerf_json_string(mode_json, "basis", KERF_OPTIONAL, &basis) || !basis)
        return !kerf_json_failed(mode_json->doc);
    size_t size = strlen(*assumptions) + strlen(mode) + strlen(basis) + sizeof " Mode : ";
    char *joined = kerf_calloc(size, 1);
    if (!joined)
        return out_of_memory(mode_json);
    snprintf(joined, size, "%s Mode %s: %s", *assumptions, mode, basis);
    free(*assumptions);
    *assumptions = joined;
    return true;
}

static bool read_one_mode(const kerf_json *modes, size_t index, kerf_device *device)
{
    kerf_json element = kerf_json_at(modes, index);
    kerf_json name_json;
    kerf_power_mode *mode = &device->modes[index];
    if (!kerf_json_as_object(&element))
        return false;
    device->n_modes = index + 1;
    if (!read_name(&element, &mode->name) ||
        !kerf_json_member(&element, "name", KERF_REQUIRED, &name_json))
        return false;
    if (strcmp(mode->name, "any") == 0)
        return kerf_json_fail(&name_json, KERF_E_INVALID,
                              "is \"any\", which stands for every mode; expected another name");
    for (size_t i = 0; i < index; i++) {
        if (strcmp(device->modes[i].name, mode->name) == 0)
            return kerf_json_fail(&name_json, KERF_E_INVALID,
                                  "\"%s\" names two modes, expected one", mode->name);
    }
    return add_basis(&element, mode->name, &device->assumptions) &&
           kerf_mode_read(&element, mode) &&
           kerf_uncertainty_read(&element, device->modes, index, &mode->uncertainty) &&
           kerf_json_done(&element);
}

static bool read_modes(const kerf_json *root, kerf_device *device)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(root, "modes", KERF_REQUIRED, &array, &n))
        return false;
    if (n == 0 || n > MAX_MODES)
        return kerf_json_fail(&array, KERF_E_INVALID, "holds %zu power modes, expected 1 to %d", n,
                              MAX_MODES);
    device->modes = kerf_calloc(n, sizeof *device->modes);
    if (!device->modes)
        return out_of_memory(&array);
    for (size_t i = 0; i < n; i++) {
        if (!read_one_mode(&array, i, device))
            return false;
    }
    return true;
}

static bool read_default_mode(const kerf_json *root, kerf_device *device)
{
    const char *name = NULL;
    kerf_json member;
    if (!kerf_json_string(root, "default_mode", KERF_OPTIONAL, &name) || !name)
        return !kerf_json_failed(root->doc);
    size_t mode = kerf_device_find_mode(device, name);
    if (mode == KERF_NONE && kerf_json_member(root, "default_mode", KERF_REQUIRED, &member))
        return kerf_json_fail(&member, KERF_E_INVALID,
                              "\"%s\" is not a mode of this device, expected one of \"modes\"",
                              name);
    device->default_mode = mode;
    return true;
}

static bool read_device(const kerf_json *root, kerf_device *device)
{
    if (!read_name(root, &device->name) || !read_text(root, "description", &device->description) ||
        !read_text(root, "provenance", &device->provenance) ||
        !read_text(root, "fit", &device->fit) ||
        !read_text(root, "assumptions", &device->assumptions))
        return false;
    kerf_json_quantity(root, "memory", KERF_SIZE, KERF_OPTIONAL, &device->memory_bytes);
    return !kerf_json_failed(root->doc) && read_unsupported(root, device) &&
           read_modes(root, device) && read_default_mode(root, device) && kerf_json_done(root);
}

kerf_status kerf_device_load(const char *path, kerf_device **device, kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    kerf_device *read = NULL;
    kerf_error_clear(err);
    kerf_status status = kerf_json_open(path, "kerf-device/1", &doc, err);
    if (status != KERF_OK)
        return status;
    kerf_json root = kerf_json_root(doc);
    read = kerf_calloc(1, sizeof *read);
    if (read)
        read_device(&root, read);
    else
        out_of_memory(&root);
    status = kerf_json_close(&doc);
    if (status == KERF_OK)
        *device = read;
    else
        kerf_device_destroy(&read);
    return status;
}
