/*
 * A PKCS#11 module that forwards to SoftHSM and takes its time to sign: as many ms as the file named by DLBA_SLOW_TOKEN says, asked
 * at each signature; "removed" there makes it answer as a device that is gone. Each signature adds a byte to the file named by
 * DLBA_SLOW_TOKEN_COUNT. Built without headers:
 *   gcc -shared -fPIC -nostdlib -o slow_token.so slow_token.c
 */
typedef unsigned long CK_RV;
typedef CK_RV (*C_Sign_t)(unsigned long, unsigned char *, unsigned long, unsigned char *, unsigned long *);

/* CK_FUNCTION_LIST: a version, then the functions in the standard's order (PKCS#11 2.40, section 3.6). */
enum { FUNCTIONS = 68, CLOSE_ALL_SESSIONS = 14, GET_SESSION_INFO = 15, SIGN = 43 };
struct function_list {
  unsigned char major, minor;
  void *functions[FUNCTIONS];
};

enum { CKR_OK = 0, CKR_GENERAL_ERROR = 5, CKR_DEVICE_REMOVED = 0x32 };
enum { RTLD_NOW = 2, O_RDONLY = 0, O_WRONLY = 1, O_CREAT = 0100, O_APPEND = 02000 };

extern void *dlopen(const char *, int);
extern void *dlsym(void *, const char *);
extern char *getenv(const char *);
extern int open(const char *, int, ...);
extern long read(int, void *, unsigned long);
extern long write(int, const void *, unsigned long);
extern int close(int);
extern int usleep(unsigned int);

static struct function_list list;
static C_Sign_t sign;
static CK_RV (*session_info)(unsigned long, unsigned long *);
static CK_RV (*close_all_sessions)(unsigned long);

static CK_RV slow_sign(unsigned long session, unsigned char *data, unsigned long length, unsigned char *out,
                       unsigned long *out_length) {
  char text[16] = {0};
  const char *name = getenv("DLBA_SLOW_TOKEN");
  int file = name ? open(name, O_RDONLY) : -1;
  unsigned int ms = 0;
  if (file >= 0) {
    read(file, text, sizeof text - 1);
    close(file);
  }
  if (text[0] == 'r') {
    /* Every session ends with it: PKCS#11 2.40, section 2.6.2 of the usage guide. */
    unsigned long info[4];
    if (session_info(session, info) == CKR_OK) close_all_sessions(info[0]);
    return CKR_DEVICE_REMOVED;
  }
  for (const char *at = text; *at >= '0' && *at <= '9'; at++) ms = ms * 10 + (unsigned int)(*at - '0');
  if (ms > 0 && out) usleep(ms * 1000);
  if (out) {
    const char *count = getenv("DLBA_SLOW_TOKEN_COUNT");
    int counted = count ? open(count, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (counted >= 0) {
      write(counted, "x", 1);
      close(counted);
    }
  }
  return sign(session, data, length, out, out_length);
}

CK_RV C_GetFunctionList(struct function_list **result) {
  if (!sign) {
    void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW);
    CK_RV (*get)(struct function_list **) = library ? (CK_RV(*)(struct function_list **))dlsym(library, "C_GetFunctionList") : 0;
    struct function_list *real;
    if (!get || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
    list = *real;
    sign = (C_Sign_t)real->functions[SIGN];
    session_info = (CK_RV(*)(unsigned long, unsigned long *))real->functions[GET_SESSION_INFO];
    close_all_sessions = (CK_RV(*)(unsigned long))real->functions[CLOSE_ALL_SESSIONS];
    list.functions[SIGN] = (void *)slow_sign;
  }
  *result = &list;
  return CKR_OK;
}
