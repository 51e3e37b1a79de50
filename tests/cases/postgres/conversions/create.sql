CREATE TABLE t (id int PRIMARY KEY, a text, b timestamptz, c text, d double precision, e text, f text, g int, h double precision);
-- repeat 200
INSERT INTO t VALUES ({n}, ' {-99..99} ', timestamptz '2024-03-31 00:00+00' + {n} * interval '1 hour', '{10..28}.0{1..9}.2024', {1..1000} / 8.0, {'yes'|'no'|NULL}, 'a,{n},,b', {-32768|32767|NULL}, {1..100000} / 1000.0);
