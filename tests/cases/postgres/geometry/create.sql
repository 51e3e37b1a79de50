CREATE TABLE t (id int PRIMARY KEY, pt point, p point, l line, s lseg, b box, open path, closed path, g polygon, c circle);
INSERT INTO t VALUES
  (1, '(0,0)', '(-0,NaN)', '{1,-1,0}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '((0,0),(1,1),(2,0))', '<(0,0),1>'),
  (2, '(1e300,-1e-300)', '(Infinity,-Infinity)', '{0,1,0.1}', '[(1,1),(0,0)]', '(0,0),(0,0)', '[(0.1,0.2)]', '((5e-324,0))', '((0,0))', '<(1,1),0>'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 3, pt, p, l, s, b, open, closed, g, c FROM t WHERE id = {1..3};
