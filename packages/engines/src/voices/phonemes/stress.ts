/**
 * Stress marks of phonemes. The numbers say what is asked for: below -1 none, -1 and -0.5 less, 0 and 0.5 some where
 * there is none, 1 and 2 more.
 *
 * A port of the stress rules of misaki (Apache-2.0, https://github.com/hexgrad/misaki) by way of hibari-tts.
 */

export const PRIMARY_STRESS = "ˈ";
export const SECONDARY_STRESS = "ˌ";
export const VOWELS: ReadonlySet<string> = new Set("AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ");
export const CONSONANTS: ReadonlySet<string> = new Set("bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ");
const DIPHTHONGS: ReadonlySet<string> = new Set("AIOQWYʤʧ");

export function weighPhonemes(phonemes: string): number {
  let weight = 0;
  for (const phoneme of phonemes) weight += DIPHTHONGS.has(phoneme) ? 2 : 1;
  return weight;
}

function hasStress(phonemes: string): boolean {
  return phonemes.includes(PRIMARY_STRESS) || phonemes.includes(SECONDARY_STRESS);
}

/** Puts a mark before the first vowel: it stresses a syllable, not a consonant. */
function stressVowel(mark: string, phonemes: string): string {
  const characters = Array.from(phonemes);
  const index = characters.findIndex((phoneme) => VOWELS.has(phoneme));
  return index < 0 ? phonemes : [...characters.slice(0, index), mark, ...characters.slice(index)].join("");
}

export function applyStress(phonemes: string, stress: number | null): string {
  if (stress === null) return phonemes;
  const hasPrimary = phonemes.includes(PRIMARY_STRESS);
  if (stress < -1) return phonemes.replaceAll(PRIMARY_STRESS, "").replaceAll(SECONDARY_STRESS, "");
  if (stress === -1 || ((stress === 0 || stress === -0.5) && hasPrimary)) {
    return phonemes.replaceAll(SECONDARY_STRESS, "").replaceAll(PRIMARY_STRESS, SECONDARY_STRESS);
  }
  if (stress >= 0 && stress <= 1 && !hasStress(phonemes)) return stressVowel(SECONDARY_STRESS, phonemes);
  if (stress >= 1 && !hasPrimary && phonemes.includes(SECONDARY_STRESS)) {
    return phonemes.replaceAll(SECONDARY_STRESS, PRIMARY_STRESS);
  }
  if (stress > 1 && !hasStress(phonemes)) return stressVowel(PRIMARY_STRESS, phonemes);
  return phonemes;
}
