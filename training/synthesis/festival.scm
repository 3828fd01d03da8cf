;; Helpers that festival.py calls over a pipe.

(require_module 'UniSyn)

(define (hark_load_diphones name file silence)
  "Load a diphone inventory by itself, without its voice's text analysis."
  (us_diphone_init
   (list (list 'name name)
         (list 'index_file file)
         '(grouped "true")
         (list 'default_diphone (string-append silence "-" silence)))))

(define (hark_diphones name utt wave)
  "Synthesise phones with durations and pitch targets from a loaded inventory."
  (set! UniSyn_module_hooks nil)
  (set! after_synth_hooks nil)
  (set! us_abs_offset 0.0)
  (set! us_rel_offset 0.0)
  (set! window_factor 1.0)
  (set! us_gain 0.35)
  (Parameter.set 'us_sigpr 'lpc)
  (Parameter.set 'Synth_Method 'UniSyn)
  (us_db_select name)
  (utt.save.wave (utt.synth utt) wave 'riff))

(define (hark_prosody stretch mean deviation)
  "Set tempo and pitch of the current English voice, and keep its peaks from clipping.
The HTS voice takes only the tempo."
  (set! us_gain 0.9)
  (set! after_synth_hooks nil)
  (Parameter.set 'Duration_Stretch stretch)
  (if (symbol-bound? 'hts_engine_params)
      (set! hts_engine_params
            (cons (list "-r" (/ 1.0 stretch)) hts_engine_params)))
  (set! int_lr_params
        (list (list 'target_f0_mean mean)
              (list 'target_f0_std deviation)
              (list 'model_f0_mean 170)
              (list 'model_f0_std 34))))

(define (hark_text utt wave)
  "Synthesise text with the current voice and print the times of tokens and segments."
  (utt.synth utt)
  (hark_print_token (utt.relation.first utt 'Token))
  (mapcar
   (lambda (segment)
     (format t "segment %s %f\n" (item.name segment) (item.feat segment "end")))
   (utt.relation.items utt 'Segment))
  (utt.save.wave utt wave 'riff))

(define (hark_print_token token)
  "Print the token, its words and everything after it; punctuation has no end time."
  (if token
      (begin
        (format t "token\n")
        (mapcar
         (lambda (word)
           (format t "word %f %f\n" (item.feat word "word_start") (item.feat word "word_end")))
         (item.daughters token))
        (hark_print_token (item.next token)))))
