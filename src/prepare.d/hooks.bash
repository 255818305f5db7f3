# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Which hooks are in a tree, and putting those of a series into one.  Sourced by
# src/prepare, never run.

# Names with our prefix that are upstream's.
stock_names='^fuse_ext_(header|size)$'

# list_hooks DIR [WHAT]: FILE FUNCTION HOOK for each mention of a fuse_ext_
# identifier in the tree; with WHAT lines, FILE FUNCTION HOOK LINE; with WHAT
# scopes, FILE FUNCTION for each function and struct that it defines.
# FUNCTION is the function that it is in, struct:NAME in a struct, object:NAME
# in an initialiser, macro:NAME in a macro, and - elsewhere.  A function ends
# where the kernel's coding style ends it, at a } in the first column, because
# the braces of both branches of an #ifdef needn't match.
list_hooks() {
	local dir=$1 what=${2:-hooks} file files=()

	for file in "$dir"/*.[ch]; do
		case ${file##*/} in
		provenance.h) ;;
		*) [ ! -f "$file" ] || files+=("$file") ;;
		esac
	done
	[ ${#files[@]} -eq 0 ] || awk -v stock="$stock_names" -v what="$what" '
	function report(text, scope,	name) {
		while (match(text, /[A-Za-z_][A-Za-z0-9_]*/)) {
			name = substr(text, RSTART, RLENGTH)
			text = substr(text, RSTART + RLENGTH)
			if (what == "scopes" || name !~ /^fuse_ext_/ || name ~ stock)
				continue
			print file, scope, name (what == "lines" ? " " FNR : "")
		}
	}
	# The line without comments, strings and character constants.
	function code(line,	out, c, two, i, n, quote) {
		if (!comment && line !~ /["\047]|\/[*\/]/)
			return line
		n = length(line)
		out = ""
		quote = ""
		for (i = 1; i <= n; i++) {
			c = substr(line, i, 1)
			two = substr(line, i, 2)
			if (comment) {
				if (two == "*/") {
					comment = 0
					i++
				}
			} else if (quote != "") {
				if (c == "\\")
					i++
				else if (c == quote)
					quote = ""
			} else if (two == "/*") {
				comment = 1
				i++
			} else if (two == "//") {
				break
			} else if (c == "\"" || c == "\047") {
				quote = c
			} else {
				out = out c
			}
		}
		return out
	}
	# The scope that a declaration followed by { opens.
	function scope_of(head,	name) {
		sub(/[ \t]+$/, "", head)
		if (head ~ /=$/) {
			sub(/[ \t]*(\[[^]]*\][ \t]*)*=$/, "", head)
			match(head, /[A-Za-z0-9_]+$/)
			return "object:" substr(head, RSTART, RLENGTH)
		}
		gsub(/__attribute__[ \t]*\(\([^)]*\)+/, "", head)
		if (match(head, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
			name = substr(head, RSTART, RLENGTH)
			sub(/[ \t]*\($/, "", name)
			return name
		}
		if (match(head, /(struct|union|enum)([ \t]+[A-Za-z0-9_]+)?/)) {
			name = substr(head, RSTART, RLENGTH)
			sub(/[ \t]+/, ":", name)
			return name
		}
		return "-"
	}
	# Text at file scope: collect a declaration up to its ; or {.
	function declare(text,	c, i, n, rest) {
		n = length(text)
		for (i = 1; i <= n; i++) {
			c = substr(text, i, 1)
			if (c == "(")
				paren++
			else if (c == ")")
				paren--
			else if (c == ";" && paren <= 0) {
				report(head, "-")
				head = ""
				paren = 0
				continue
			} else if (c == "{" && paren <= 0) {
				scope = scope_of(head)
				if (what == "scopes")
					print file, scope
				report(head, scope)
				head = ""
				paren = 0
				depth = 1
				inside = 1
				rest = substr(text, i + 1)
				body(rest)
				return
			}
			head = head c
		}
		head = head " "
	}
	# Text in the braces of scope.
	function body(text,	braces) {
		report(text, scope)
		braces = text
		depth += gsub(/{/, "", braces)
		depth -= gsub(/}/, "", braces)
		if (text ~ /^}/ || (depth <= 0 && (scope ~ /[:-]/ || NR == opened)))
			inside = 0
	}
	FNR == 1 {
		file = FILENAME
		sub(/.*\//, "", file)
		inside = comment = paren = 0
		head = macro = ""
	}
	{
		text = code($0)
		opened = NR
		if (macro != "") {
			report(text, macro)
			if (text !~ /\\$/)
				macro = ""
		} else if (text ~ /^[ \t]*#/) {
			name = inside ? scope : "-"
			if (!inside && match(text, /^[ \t]*#[ \t]*define[ \t]+[A-Za-z0-9_]+/)) {
				name = substr(text, RSTART, RLENGTH)
				sub(/.*[ \t]/, "", name)
				name = "macro:" name
			}
			report(text, name)
			if (text ~ /\\$/)
				macro = name
		} else if (inside) {
			opened = 0
			body(text)
		} else if (text !~ /[^ \t]/ && paren <= 0) {
			head = ""
		} else {
			declare(text)
		}
	}' "${files[@]}"
}

# The hunks of a patch, a line each: FILE NUMBER FUNCTION HOOK[,HOOK...], with -
# for no function and for no hook.  FUNCTION stands behind the second @@.
patch_hunks() {
	awk -v stock="$stock_names" '
	function flush() {
		if (n)
			print file, n, scope == "" ? "-" : scope, hooks == "" ? "-" : hooks
		hooks = ""
	}
	/^\+\+\+ / { flush(); n = 0; file = $2; sub(/.*\//, "", file); next }
	/^--- / { next }
	/^@@ / { flush(); n++; scope = $5; next }
	/^\+/ {
		line = $0
		while (match(line, /[A-Za-z_][A-Za-z0-9_]*/)) {
			name = substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
			if (name ~ /^fuse_ext_/ && name !~ stock)
				hooks = hooks (hooks == "" ? "" : ",") name
		}
	}
	END { flush() }' "$1"
}

# The hooks that the tree must have after the patch NAME, sorted, a line each:
# FILE FUNCTION HOOK.  Fails on a hunk that doesn't say for which function it is.
expected_hooks() {
	patch_hunks "$hooks_dir/$1.patch" | awk '
	$4 == "-" { next }
	$3 == "-" {
		print "hunk " $2 " of " $1 " says nothing behind its second @@" >"/dev/stderr"
		exit failed = 1
	}
	{
		n = split($4, hooks, ",")
		for (i = 1; i <= n; i++)
			print $1, $3, hooks[i]
	}
	END { exit failed }' | sort
	[ "${PIPESTATUS[*]}" = "0 0 0" ]
}

# describe_hunk NAME FILE NUMBER: "file.c, function F, hook H", of a patch
describe_hunk() {
	local name=$1 file=$2 number=$3 scope hooks

	read -r scope hooks < <(patch_hunks "$hooks_dir/$name.patch" |
		awk -v f="$file" -v n="$number" '$1 == f && $2 == n { print $3, $4 }')
	echo "$file, function $scope, hook ${hooks//,/, }"
}

# run_patch NAME DIR: print what patch says; its exit status.
run_patch() {
	local name=$1 dir=$2

	TMPDIR=$workdir patch --batch --forward --fuzz=0 -p3 --no-backup-if-mismatch \
		--reject-file=- --verbose -d "$dir" <"$hooks_dir/$name.patch" 2>&1
}

# The hunks that patch refused, of its output on standard input: FILE NUMBER
refused_hunks() {
	awk '/^patching file / { file = $3 }
	     /^Hunk #[0-9]+ (FAILED|ignored)/ { sub(/^#/, "", $2); print file, $2 }'
}

# The differences between the hooks in DIR and those that the patch NAME is to make, a
# line each; nothing where they are the same.
wrong_hooks() {
	local name=$1 dir=$2 expected found

	expected=$(expected_hooks "$name") || return
	found=$(list_hooks "$dir") || return
	found=$(sort <<<"$found") || return
	[ "$expected" != "$found" ] || return 0
	diff <(echo "$expected") <(echo "$found") | awk '
		/^< / { missing[++m] = $2 " " $4; where[m] = $3 }
		/^> / { extra[++x] = $2 " " $4; at[x] = $3 }
		END {
			for (i = 1; i <= m; i++) {
				split(missing[i], p, " ")
				state = "it is nowhere in that file"
				for (j = 1; j <= x; j++)
					if (extra[j] == missing[i] && !used[j]) {
						used[j] = 1
						state = "it landed in " at[j]
						break
					}
				print p[1] ", function " where[i] ", hook " p[2] ": " state
			}
			for (j = 1; j <= x; j++)
				if (!used[j]) {
					split(extra[j], p, " ")
					print p[1] ", function " at[j] ", hook " p[2] \
						": it isn\047t expected there"
				}
		}' || [ "${PIPESTATUS[*]}" = "1 0" ]
}

misfit() {
	fail "$EX_MISFIT" "the hooks of series $series don't fit in $src_provider $src_version ($src_path)" \
		"$@" \
		"This source was changed since fuse-ext was made. The kernel's own FUSE driver stays in charge." \
		"Upgrade fuse-ext, or give the source of another point release: --source PATH." \
		"To see which hooks fit: $0 --check DIR, with DIR the unpacked fs/fuse"
}

# Put the hooks into DIR, and prove that each is where it belongs.
apply_hooks() {
	local dir=$1 out status=0 file number lines=()

	if [ -n "$(list_hooks "$dir")" ]; then
		fail "$EX_BROKEN" "$src_path has fuse-ext's hooks already: it isn't the distribution's source" \
			"Give the tree as the distribution made it: --source PATH"
	fi
	while read -r file; do
		[ -f "$dir/$file" ] ||
			lines+=("$file isn't in it: $(describe_hunk "$patch_name" "$file" 1)")
	done < <(patch_hunks "$hooks_dir/$patch_name.patch" | cut -d ' ' -f 1 | sort -u)
	[ ${#lines[@]} -eq 0 ] || misfit "${lines[@]}"

	out=$(run_patch "$patch_name" "$dir") || status=$?
	if [ $status -ne 0 ]; then
		while read -r file number; do
			lines+=("$(describe_hunk "$patch_name" "$file" "$number"): hunk $number doesn't apply")
		done < <(refused_hunks <<<"$out")
		[ ${#lines[@]} -eq 0 ] || misfit "${lines[@]}"
		case $out in
		*"No space left"* | *"write error"*)
			write_failed "patch fs/fuse" "No space left on device"
			;;
		esac
		fail "$EX_FAILURE" "patch failed on $hooks_dir/$patch_name.patch" "${out##*$'\n'}"
	fi
	out=$(wrong_hooks "$patch_name" "$dir") ||
		fail "$EX_FAILURE" "can't tell which hooks $hooks_dir/$patch_name.patch makes" \
			"It has to say so: @@ ... @@ FUNCTION. To have such a patch made: $0 --make-patch"
	if [ -n "$out" ]; then
		readarray -t lines <<<"$out"
		misfit "${lines[@]}"
	fi
}
