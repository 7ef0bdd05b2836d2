/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/buf.h"
#include "base/fd.h"

#include <stdarg.h>

int json_load_file_at(int dir, const char *name, json_t **ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(JSON_FILE_MAX);
	json_error_t why;
	json_t *root;
	int rc = fd_read_file(dir, name, &text);

	if (rc < 0)
		return err_rc(e, rc, "read %s", name);
	root = json_loadb((const char *)text.data, text.len, 0, &why);
	if (!root)
		return err_set(e, STATUS_UNKNOWN, "parse %s: line %d column %d: %s", name, why.line,
			why.column, why.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(e, STATUS_UNKNOWN, "parse %s: not an object", name);
	}
	*ret = root;
	return 0;
}

json_t *json_get(json_t *root, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, root);
	while (root && (key = va_arg(ap, const char *)))
		root = json_object_get(root, key);
	va_end(ap);
	return root;
}

const char *json_get_string(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}
