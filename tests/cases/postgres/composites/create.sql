CREATE TYPE pair AS (a int, b text);
CREATE TYPE nest AS (p pair, n numeric(5, 2));
CREATE TABLE t (id int PRIMARY KEY, p pair, n nest, a pair[], kept pair);
INSERT INTO t VALUES
  (1, '(,)', '(,)', '{}', '(,)'), (2, '(1,"a,b")', '("(1,""x """"q"""""")",1.50)', '{"(1,x)",NULL,"(,)"}', '(0,"")'), (3, NULL, NULL, NULL, NULL),
  (4, '(-1,"\\ ""q"" (")', '("(,)",)', '{"(,)"}', '(,"")');
-- repeat 200
INSERT INTO t SELECT {n} + 4, p, n, a, kept FROM t WHERE id = {1..4};
