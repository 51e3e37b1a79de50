INSERT INTO whole VALUES (1000 + {n}, {n});
