# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For those who port fuse-ext to another kernel: src/prepare --check, which says
# which hooks fit in a tree, and --make-patch.  Sourced, never run.

# Set fuse_dir to the fs/fuse that DIR is, or has.
find_fuse_dir() {
	fuse_dir=$1
	is_fuse_dir "$fuse_dir" || fuse_dir=$1/fs/fuse
	is_fuse_dir "$fuse_dir" ||
		fail "$EX_BROKEN" "$1 is no fs/fuse: there is no inode.c and fuse_i.h in it" \
			"Give a kernel's fs/fuse, or the top of its tree."
}

# place_hooks DIR: how each hunk's hooks came out in the patched tree DIR, by the
# files of $workdir that check_series() writes.  A line each, with tabs:
# FILE FUNCTION HOOK STATE
place_hooks() {
	awk -v OFS='\t' -v dir="$workdir" '
	function where(scope,	name, list) {
		for (name in defines) {
			split(name, p, SUBSEP)
			if (p[2] == scope)
				list = list (list == "" ? "" : ", ") p[1]
		}
		return list
	}
	# Why the hunk of a hook, or of none, was refused.
	function why(file, scope) {
		if (!(file in files))
			return "missing: there is no " file (where(scope) == "" || scope == "-" ? "" : \
				"; " scope " is in " where(scope))
		if (scope == "-" || (file, scope) in defines)
			return "missing: the lines at that place are others"
		if (where(scope) != "")
			return "missing: " scope " is in " where(scope)
		return "missing: there is no " scope
	}
	function landed(file, hook,	key) {
		for (key in found) {
			split(key, p, SUBSEP)
			if (p[1] == file && p[3] == hook && found[key] > 0) {
				found[key]--
				return "wrong function: it landed in " p[2]
			}
		}
		return "missing: the patch put it nowhere"
	}
	FILENAME == dir "/files" { files[$1] = 1; next }
	FILENAME == dir "/scopes" { defines[$1, $2] = 1; next }
	FILENAME == dir "/refused" { refused[$1, $2] = 1; next }
	FILENAME == dir "/found" { found[$1, $2, $3]++; next }
	{
		count = split($4, names, ",")
		for (i = 1; i <= count; i++) {
			n++
			file[n] = $1
			scope[n] = $3
			hook[n] = names[i]
			if (!($1 in files) || ($1, $2) in refused)
				state[n] = why($1, $3)
			else if (names[i] == "-" || found[$1, $3, names[i]]-- > 0)
				state[n] = "fits"
			if (names[i] == "-")
				hook[n] = "(hunk " $2 ", no call)"
		}
	}
	END {
		# Those in their places first: what is left over landed elsewhere.
		for (i = 1; i <= n; i++) {
			if (state[i] == "")
				state[i] = landed(file[i], hook[i])
			print file[i], scope[i], hook[i], state[i]
		}
	}' "$workdir/files" "$workdir/scopes" "$workdir/refused" "$workdir/found" "$workdir/hunks"
}

# check_series NAME: try the patch NAME on $fuse_dir; its lines in
# $workdir/NAME.table, and set fitting and all, their numbers.
check_series() {
	local name=$1 out

	[ -r "$hooks_dir/$name.patch" ] ||
		fail "$EX_FAILURE" "$hooks_dir/$name.patch can't be read"
	expected_hooks "$name" >/dev/null ||
		fail "$EX_FAILURE" "can't tell which hooks $hooks_dir/$name.patch makes"
	rm -rf "$workdir/new"
	attempt "copy $fuse_dir" copy_sources "$fuse_dir" "$workdir/new"
	# Its status says no more than the hunks that it names.
	out=$(run_patch "$name" "$workdir/new") || :
	refused_hunks <<<"$out" >"$workdir/refused"
	list_hooks "$workdir/new" >"$workdir/found"
	patch_hunks "$hooks_dir/$name.patch" >"$workdir/hunks"
	place_hooks >"$workdir/$name.table"
	all=$(wc -l <"$workdir/$name.table")
	fitting=$(grep -c $'\tfits$' "$workdir/$name.table" || :)
}

print_table() {
	awk -F '\t' '
	{ line[NR] = $0; for (i = 1; i < 4; i++) if (length($i) > width[i]) width[i] = length($i) }
	END {
		format = "%-" width[1] "s  %-" width[2] "s  %-" width[3] "s  %s\n"
		for (n = 1; n <= NR; n++) {
			split(line[n], p, "\t")
			printf format, p[1], p[2], p[3], p[4]
		}
	}' <(printf 'FILE\tFUNCTION\tHOOK\tSTATE\n') "$1"
}

check() {
	local name names version fuse_dir fitting all nearest='' best=-1 fits=()

	find_fuse_dir "$1"
	need_tool patch patch
	[ -z "$(list_hooks "$fuse_dir")" ] ||
		fail "$EX_BROKEN" "$fuse_dir has fuse-ext's hooks already" \
			"Give the tree as the distribution made it."
	names=$(series_table | awk '!seen[$2]++ { print $2 }')
	[ -z "$only_series" ] || grep -qxF -e "$only_series" <<<"$names" ||
		usage_error "--series $only_series: src/hooks has ${names//$'\n'/ }"
	make_workdir "${TMPDIR:-/tmp}"
	(cd "$fuse_dir" && ls) >"$workdir/files"
	list_hooks "$fuse_dir" scopes >"$workdir/scopes"
	version=$(makefile_version "$fuse_dir/../../Makefile")
	echo "$fuse_dir${version:+, of kernel $version}"
	for name in ${only_series:-$names}; do
		check_series "$name"
		printf '%s: %s of %s places fit\n' "$name" "$fitting" "$all"
		[ "$fitting" -ne "$all" ] || fits+=("$name")
		if [ "$fitting" -gt "$best" ]; then
			nearest=$name best=$fitting
		fi
	done
	# Not all series have as many places.
	[ ${#fits[@]} -eq 0 ] || nearest=${fits[0]}
	echo
	print_table "$workdir/$nearest.table"
	echo
	if [ ${#fits[@]} -gt 0 ]; then
		echo "The hooks of ${fits[*]} fit."
	else
		echo "No hooks fit; the nearest are those of $nearest."
		exit "$EX_MISFIT"
	fi
}

# make_patch STOCK HOOKED: the patch between two fs/fuse, in the form of src/hooks.
make_patch() {
	local stock hooked file fuse_dir status

	find_fuse_dir "$1"
	stock=$fuse_dir
	find_fuse_dir "$2"
	hooked=$fuse_dir
	need_tool diff diffutils
	make_workdir "${TMPDIR:-/tmp}"
	list_hooks "$hooked" lines >"$workdir/lines"
	[ -s "$workdir/lines" ] ||
		fail "$EX_BROKEN" "there is no hook in $hooked" \
			"Edit it first: call functions of src/hooks.h, named fuse_ext_..."
	for file in "$hooked"/*.[ch]; do
		file=${file##*/}
		[ "$file" != provenance.h ] || continue
		[ -f "$stock/$file" ] || fail "$EX_BROKEN" "there is no $file in $stock, but in $hooked" \
			"A file of our own belongs into src, not into fs/fuse."
		status=0
		diff -U1 --label "a/fs/fuse/$file" --label "b/fs/fuse/$file" \
			"$stock/$file" "$hooked/$file" >>"$workdir/diff" || status=$?
		[ $status -le 1 ] || fail "$EX_FAILURE" "can't compare $stock/$file with $hooked/$file"
	done
	name_functions || fail "$EX_MISFIT" "a hunk has hooks of two functions (above)" \
		"Put them farther apart, or into one function."
}

# The diff in $workdir/diff with, behind the second @@ of each hunk with a hook,
# the function that the hook is in.
name_functions() {
	awk '
	NR == FNR { file[++n] = $1; scope[n] = $2; line[n] = $4; next }
	/^\+\+\+ / { current = $2; sub(/.*\//, "", current) }
	/^@@ / {
		split(substr($3, 2), at, ",")
		end = at[1] + (at[2] == "" ? 1 : at[2])
		name = ""
		for (i = 1; i <= n; i++) {
			if (file[i] != current || line[i] < at[1] || line[i] >= end)
				continue
			if (name != "" && name != scope[i]) {
				print current ", line " line[i] ": " name ", " scope[i] >"/dev/stderr"
				failed = 1
			}
			name = scope[i]
		}
		$0 = $1 " " $2 " " $3 " @@" (name == "" ? "" : " " name)
	}
	{ print }
	END { exit failed }' "$workdir/lines" "$workdir/diff"
}
