import type { CommandModel } from './model.js';
import { shellTables } from './shell_tables.js';

/** For bash 4 and newer; wants no other package. */
export function bashScript(models: readonly CommandModel[]): string {
  return `# bash completion of alirtc; made by "alirtc completion bash".

${shellTables(models)}

# The words up to the cursor as the shell would hand them over: readline has parted them at ":" and "=", too.
_alirtc_words() {
  local index word before=''
  _alirtc_line=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ \${#_alirtc_line[@]} -gt 1 && ( $word == :* || $before == *: ) ]]; then
      _alirtc_line[\${#_alirtc_line[@]}-1]+=$word
    elif [[ $word == '=' ]]; then
      ((index == COMP_CWORD)) && _alirtc_line+=('')
    else
      _alirtc_line+=("$word")
    fi
    before=$word
  done
}

# Words that begin with the last one; a path of commands and a place in $1 and $2 ask for values.
_alirtc_offer() {
  local kind=$1 current=$2
  case $kind in
    '='*) mapfile -t COMPREPLY < <(compgen -W "\${kind#=}" -- "$current") ;;
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    engines | methods)
      mapfile -t COMPREPLY < <(compgen -W "$("\${_alirtc_line[0]}" "\${_alirtc_globals[@]}" __complete "$kind" 2>/dev/null </dev/null)" -- "$current")
      ;;
  esac
}

_alirtc() {
  local -a _alirtc_line _alirtc_globals=()
  local path='' place=0 index word kind last
  COMPREPLY=()
  _alirtc_words
  last=$((\${#_alirtc_line[@]} - 1))
  for ((index = 1; index < last; index++)); do
    word=\${_alirtc_line[index]}
    if [[ $word == -* ]]; then
      if kind=$(_alirtc_option_values "$path" "$word"); then
        ((index + 1 == last)) && { _alirtc_offer "$kind" "\${_alirtc_line[last]}"; return; }
        _alirtc_option_values '' "$word" >/dev/null && _alirtc_globals+=("$word" "\${_alirtc_line[index + 1]}")
        ((index++))
      fi
    elif _alirtc_commands "$path" | grep -q -- "^$word:"; then
      path=\${path:+$path }$word
    else
      ((place++))
    fi
  done
  word=\${_alirtc_line[last]}
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_alirtc_options "$path" | cut -d: -f1)" -- "$word")
  elif [[ -n $(_alirtc_commands "$path") ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_alirtc_commands "$path" | cut -d: -f1)" -- "$word")
  elif kind=$(_alirtc_argument_values "$path" "$place"); then
    _alirtc_offer "$kind" "$word"
  fi
}

complete -F _alirtc alirtc`;
}
