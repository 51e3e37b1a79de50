UPDATE t SET code = {n} + 100 WHERE id = {1..50};
