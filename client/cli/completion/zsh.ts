import type { CommandModel } from './model.js';
import { shellTables } from './shell_tables.js';

/** For zsh with its completion system (compinit); sourced, or as the file _alirtc in a folder of fpath. */
export function zshScript(models: readonly CommandModel[]): string {
  return `#compdef alirtc
# zsh completion of alirtc; made by "alirtc completion zsh".

${shellTables(models)}

_alirtc_offer() {
  local kind=$1
  local -a found
  case $kind in
    '='*) found=(\${(s: :)\${kind#=}}); compadd -a found ;;
    files) _files ;;
    folders) _files -/ ;;
    engines | methods)
      found=(\${(f)"$("\${words[1]}" $globals __complete "$kind" 2>/dev/null </dev/null)"})
      compadd -a found
      ;;
    *) _message 'a value' ;;
  esac
}

_alirtc() {
  local path_of_commands='' word kind
  integer place=0 index
  local -a globals rows
  for ((index = 2; index < CURRENT; index++)); do
    word=\${words[index]}
    if [[ $word == -* ]]; then
      if kind=$(_alirtc_option_values "$path_of_commands" "$word"); then
        if ((index + 1 == CURRENT)); then _alirtc_offer "$kind"; return; fi
        _alirtc_option_values '' "$word" >/dev/null && globals+=("$word" "\${words[index + 1]}")
        ((index++))
      fi
    elif _alirtc_commands "$path_of_commands" | grep -q -- "^$word:"; then
      path_of_commands=\${path_of_commands:+$path_of_commands }$word
    else
      ((place++))
    fi
  done
  if [[ \${words[CURRENT]} == -* ]]; then
    rows=(\${(f)"$(_alirtc_options "$path_of_commands")"})
    _describe -o option rows
  elif [[ -n $(_alirtc_commands "$path_of_commands") ]]; then
    rows=(\${(f)"$(_alirtc_commands "$path_of_commands")"})
    _describe command rows
  elif kind=$(_alirtc_argument_values "$path_of_commands" "$place"); then
    _alirtc_offer "$kind"
  fi
}

if [[ \${funcstack[1]} == _alirtc ]]; then _alirtc "$@"; else compdef _alirtc alirtc; fi`;
}
